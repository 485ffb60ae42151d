// `node:module`: everything is bundled, and nothing can be looked for any more.

export function createRequire() {
  const require = (name) => {
    throw new Error(`\`${name}\` is asked for by a \`require\` that was made with \`createRequire\`: import it, so that it is bundled`);
  };
  require.resolve = require;
  return require;
}

export const builtinModules = [];
export const isBuiltin = (name) => name.startsWith("node:");

export default { builtinModules, createRequire, isBuiltin };
