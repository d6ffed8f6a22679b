// @ts-check
// Blocking on purpose and right after the messages: a conversation is first painted where it is read on, at its end.
;(() => {
  const scroller = document.getElementById("scroll")
  if (scroller && !location.hash && !document.querySelector(".greeting:not([hidden])")) {
    scroller.scrollTop = scroller.scrollHeight
  }
})()
