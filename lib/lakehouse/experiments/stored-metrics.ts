/** A metric's value, as MLflow keeps it: what is no number by a mark, what is infinite as the largest number. */
export function toStored(value: number): { readonly value: number; readonly isNan: boolean } {
  if (Number.isNaN(value)) return { value: 0, isNan: true };
  return { value: Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value)), isNan: false };
}

/** And back. The largest number itself comes back infinite: MLflow keeps both alike. */
export function fromStored(value: number): number {
  if (!(Math.abs(value) >= Number.MAX_VALUE)) return value;
  return value > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}
