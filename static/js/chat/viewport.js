// @ts-check

/** Keep the page as high as what is visible, so that a phone's keyboard hides nothing. */
export function fitVisibleHeight() {
  const viewport = window.visualViewport
  if (!viewport) return
  const fit = () => {
    // Pinch zoom shrinks the viewport as well and must not squeeze the page.
    if (viewport.scale !== 1) return
    document.documentElement.style.setProperty("--visible-height", `${viewport.height}px`)
  }
  viewport.addEventListener("resize", fit)
  fit()
}
