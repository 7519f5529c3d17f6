import type { FieldSummary } from "../../model/metadata/manifest-types.js";
import type { PartitionTuple } from "../../model/partitioning/types.js";
import type { PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { type Comparator, comparatorOf } from "../../model/values/compare.js";
import { toBinary } from "../../model/values/single-value.js";

interface Running {
  containsNull: boolean;
  containsNan: boolean;
  lower: PrimitiveValue | undefined;
  upper: PrimitiveValue | undefined;
}

/** Gathers the summaries of a manifest's partition fields (spec, "Manifest Lists", `field_summary`). */
export class PartitionSummary {
  readonly #types: readonly PrimitiveType[];
  readonly #compare: readonly Comparator[];
  readonly #fields: readonly Running[];

  constructor(types: readonly PrimitiveType[]) {
    this.#types = types;
    this.#compare = types.map(comparatorOf);
    this.#fields = types.map(() => ({
      containsNull: false,
      containsNan: false,
      lower: undefined,
      upper: undefined,
    }));
  }

  add(partition: PartitionTuple): void {
    for (let i = 0; i < this.#fields.length; i++) {
      const field = this.#fields[i] as Running;
      const compare = this.#compare[i] as Comparator;
      const value = partition[i];
      if (value === null || value === undefined) field.containsNull = true;
      else if (typeof value === "number" && Number.isNaN(value)) field.containsNan = true;
      else {
        if (field.lower === undefined || compare(value, field.lower) < 0) field.lower = value;
        if (field.upper === undefined || compare(value, field.upper) > 0) field.upper = value;
      }
    }
  }

  fields(): readonly FieldSummary[] {
    return this.#fields.map(({ containsNull, containsNan, lower, upper }, i) => {
      const type = this.#types[i] as PrimitiveType;
      return {
        containsNull,
        containsNan,
        lowerBound: lower === undefined ? undefined : toBinary(type, lower),
        upperBound: upper === undefined ? undefined : toBinary(type, upper),
      };
    });
  }
}
