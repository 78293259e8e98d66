// pa11y brings puppeteer; the browser is Debian's Chromium, never a downloaded one.
module.exports = { skipDownload: true };
