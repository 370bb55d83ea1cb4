// Written for browsers that are too old for everything else: no arrow functions, no const.
;(function () {
  // What came to browsers together with the syntax that the build uses (ES2022).
  var able = window.Promise && window.fetch && Object.hasOwn && Array.prototype.at && 'noModule' in document.createElement('script')
  function show() {
    document.getElementById('app').hidden = true
    document.getElementById('old-browser').hidden = false
    document.getElementById('old-browser-address').value = location.href
  }
  if (!able) {
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', show)
    else show()
  }
})()
