// @ts-check
/** The print view's one button. */
document.getElementById("print")?.addEventListener("click", () => print())
