// @ts-check
/** What a browser calls itself, in words: good enough to know one's own again, and never a proof. */

/** @type {[RegExp, string][]} the first that fits; some browsers name others as well */
const BROWSERS = [
  [/\bEdg(e|A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(HeadlessChrome|Chrome|CriOS|Chromium)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
]

/** @type {[RegExp, string][]} */
const SYSTEMS = [
  [/\b(iPhone|iPad)\b/, "iOS"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
]

/** @param {string} agent of a `User-Agent` header @returns {string} such as "Firefox on Linux" */
export function nameOfDevice(agent) {
  const browser = BROWSERS.find(([form]) => form.test(agent))?.[1]
  const system = SYSTEMS.find(([form]) => form.test(agent))?.[1]
  if (browser) return system ? `${browser} on ${system}` : browser
  return agent.split(/[\s(]/, 1)[0].slice(0, 60) || "Unknown device"
}
