/**
 * Imports a module of the user's. The command line is compiled from a cache (`launcher.cjs`), where `import()` of a file
 * that is named only later does not work; here, in a file that Node loads itself, it does.
 */
exports.importModule = (url) => import(url);
