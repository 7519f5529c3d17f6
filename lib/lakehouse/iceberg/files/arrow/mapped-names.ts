import * as arrow from "apache-arrow";
import type { NameMapping } from "../../model/schema/name-mapping.js";

/**
 * An Arrow schema of a file without field ids, with the ids that the mapping gives. Fields that it does not know stay without.
 * Lists and maps are met by the names `element`, `key` and `value`, whatever the file calls them.
 */
export function applyNameMapping(schema: arrow.Schema, mapping: NameMapping): arrow.Schema {
  return new arrow.Schema(
    schema.fields.map((field) => withId(field, mapping, field.name)),
    schema.metadata,
  );
}

function withId(field: arrow.Field, mapping: NameMapping, name: string): arrow.Field {
  const mapped = mapping.find((each) => each.names.includes(name));
  const type = typeWithIds(field.type, mapped?.fields ?? []);
  if (mapped?.fieldId === undefined) return field.clone({ type });
  return field.clone({
    type,
    metadata: new Map([...field.metadata, ["PARQUET:field_id", String(mapped.fieldId)]]),
  });
}

function typeWithIds(type: arrow.DataType, mapping: NameMapping): arrow.DataType {
  if (arrow.DataType.isStruct(type))
    return new arrow.Struct(type.children.map((child) => withId(child, mapping, child.name)));
  if (arrow.DataType.isList(type)) return new arrow.List(withId(type.children[0]!, mapping, "element"));
  if (!arrow.DataType.isMap(type)) return type;
  const entries = type.children[0] as arrow.Field;
  const [key, value] = (entries.type as arrow.Struct).children as [arrow.Field, arrow.Field];
  const parts = new arrow.Struct([withId(key, mapping, "key"), withId(value, mapping, "value")]);
  return new arrow.Map_(entries.clone({ type: parts }) as ConstructorParameters<typeof arrow.Map_>[0]);
}
