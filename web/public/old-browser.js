// Written for browsers that are too old for everything else: no arrow functions, no const.
;(function () {
  function tooOld() {
    try {
      // Private class fields and ||= are what the build may use (ES2022).
      new Function('class A { #a = 1; has() { return #a in this } }; let b = null; b ??= 1; return b')
    } catch (error) {
      // A content security policy forbids evaluation: then ask for what came to browsers at the same time.
      if (error && error.name !== 'EvalError') return true
    }
    return !(window.Promise && window.fetch && window.URLSearchParams && Array.prototype.at && Object.hasOwn && 'noModule' in document.createElement('script'))
  }
  function show() {
    document.getElementById('app').hidden = true
    document.getElementById('old-browser').hidden = false
    document.getElementById('old-browser-address').value = location.href
  }
  if (tooOld()) {
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', show)
    else show()
  }
})()
