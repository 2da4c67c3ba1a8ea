'use strict';
// NodeNext sources import './x.js'; under Jest the file on disk is './x.ts'.
const relativeJs = /^\.{1,2}\/.*\.js$/;

module.exports = (request, options) => {
  if (relativeJs.test(request) && !options.basedir.includes('node_modules')) {
    try {
      return options.defaultResolver(`${request.slice(0, -3)}.ts`, options);
    } catch {
      // A real .js file: fall through.
    }
  }
  return options.defaultResolver(request, options);
};
