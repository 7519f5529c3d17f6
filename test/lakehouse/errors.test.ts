import { nearNames } from "sololakehouse/errors";
import { expect, test } from "vitest";

test.each([
  ["fligths", ["flights", "airports"], ["flights"]],
  ["Flights", ["flights"], ["flights"]],
  ["mian", ["main", "etl"], ["main"]],
  ["elt", ["main", "etl"], ["etl"]],
  ["flights", ["raw.flights", "weather"], ["raw.flights"]],
  ["flights.row", ["flights.rows", "flights.rats", "bytes"], ["flights.rows", "flights.rats"]],
  ["rows", ["flights.rows", "columns"], ["flights.rows"]],
  // What was taken for near before: no more than a letter in common.
  ["t1", ["u2", "ab"], []],
  ["abc", ["xyz", "axy"], []],
  ["orders", ["parts", "lines"], []],
  ["zzz", ["flights.rows"], []],
  ["a", ["bronze.a_table"], []],
])("for %s of %j the hint is %j", (wanted, names, near) => {
  expect(nearNames(wanted, names, 3)).toEqual(near);
});
