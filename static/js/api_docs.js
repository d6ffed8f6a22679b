// @ts-check
// Shows the API's description with Swagger UI, whose script (before this one) defines a global.
;(() => {
  const root = document.documentElement
  const target = document.getElementById("swagger")
  const prefersDark = matchMedia("(prefers-color-scheme: dark)")

  // Swagger UI has a dark style of its own; it follows the theme of the page.
  function followTheme() {
    const theme = root.dataset.theme
    root.classList.toggle("dark-mode", theme ? theme === "dark" : prefersDark.matches)
  }

  // Swagger UI's headings go from the first level to the third; screen readers miss one between.
  function addHeading() {
    const heading = document.createElement("h2")
    Object.assign(heading, { className: "visually-hidden", textContent: "Routes" })
    target?.querySelector(".opblock-tag-section")?.before(heading)
  }

  followTheme()
  prefersDark.addEventListener("change", followTheme)
  new MutationObserver(followTheme).observe(root, { attributeFilter: ["data-theme"] })
  const { SwaggerUIBundle } = /** @type {any} */ (window)
  SwaggerUIBundle({ domNode: target, url: target?.dataset.url, validatorUrl: null, onComplete: addHeading })
})()
