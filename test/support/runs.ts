// How often a property is tried. The unit suite tries it often enough to catch a plain fault within seconds; the soak
// (npm run test:soak) tries it many times as often, with other values each time.

const factor = Number(process.env.SLH_SOAK ?? 1);
if (!(factor >= 1)) throw new Error(`SLH_SOAK must be a number of at least 1, not "${process.env.SLH_SOAK}"`);

/**
 * The number of runs of a property: `count` in the unit suite, `count` times SLH_SOAK in the soak. The test names no time
 * limit: that of the suite (vitest.config.ts) is none in the soak.
 *
 * @example
 * fc.assert(fc.property(table, holds), { numRuns: runs(100) });
 */
export const runs = (count: number): number => Math.ceil(count * factor);
