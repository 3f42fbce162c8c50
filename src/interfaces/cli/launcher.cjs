/**
 * Starts the command line from V8's own compiled form of it, which the build left beside the bundle.
 *
 * Compiling the bundle is the larger part of a cold start. V8 refuses a cache that another version of it made, and then
 * compiles as ever; the bundle's name holds the hash of its text, so that a cache is never taken for another text.
 */
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { Script } = require("node:vm");

const filename = join(__dirname, "BUNDLE");

function readCache() {
  try {
    return readFileSync(`${filename}.cache`);
  } catch {
    // A build for another Node, or an install that left it out: nothing but the time to compile is lost.
    return undefined;
  }
}

const wrapped = `(function (require, module, exports, __filename) {${readFileSync(filename, "utf8")}\n})`;
const script = new Script(wrapped, { filename, cachedData: readCache() });
script.runInThisContext()(require, module, exports, filename);

/** For the build: the compiled form, with the functions that were used so far. */
module.exports = { createCache: () => script.createCachedData() };
