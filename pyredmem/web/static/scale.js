/* Round numbers for axes. */

const DECIMAL = [1, 2, 4, 6, 8, 10];
const BINARY = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** The smallest round number not below a value. `base`: 10, or 1024 for bytes. */
export function roundedUp(value, base = 10) {
  if (!(value > 0)) return 1;
  const scale = base ** Math.floor(Math.log(value) / Math.log(base));
  const steps = base === 10 ? DECIMAL : BINARY.flatMap((step) => [step, step * 1.25, step * 1.5]);
  return steps.find((step) => step * scale >= value * 0.999999) * scale;
}
