import * as arrow from "apache-arrow";
import { makeData } from "./leaf-writer.js";
import { nullTest } from "./read.js";

/** A column of nulls of any type. */
export function nullData(type: arrow.DataType, length: number): arrow.Data {
  const nullBitmap = new Uint8Array((length + 7) >> 3);
  const props = { type, length, nullCount: length, nullBitmap };
  if (arrow.DataType.isStruct(type)) {
    return makeData({ ...props, children: type.children.map((child) => nullData(child.type, length)) });
  }
  if (arrow.DataType.isList(type) || arrow.DataType.isMap(type)) {
    return makeData({
      ...props,
      valueOffsets: new Int32Array(length + 1),
      child: nullData(type.children[0]!.type, 0),
    });
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isBinary(type)) {
    return makeData({ ...props, valueOffsets: new Int32Array(length + 1), data: new Uint8Array(0) });
  }
  const width = arrow.DataType.isFixedSizeBinary(type)
    ? type.byteWidth
    : arrow.DataType.isDecimal(type)
      ? 4
      : 1;
  const Values =
    (type as { ArrayType?: new (length: number) => ArrayLike<number | bigint> }).ArrayType ?? Uint8Array;
  return makeData({
    ...props,
    data: new Values(arrow.DataType.isBool(type) ? (length + 7) >> 3 : length * width),
  });
}

/** A chunk's nulls, with a bitmap that starts at its first row. */
export function nullsOf(data: arrow.Data): { nullCount: number; nullBitmap?: Uint8Array } {
  if (data.nullCount === 0 && !arrow.DataType.isDictionary(data.type)) return { nullCount: 0 };
  const isNull = nullTest(data);
  const nullBitmap = new Uint8Array((data.length + 7) >> 3);
  let nullCount = 0;
  for (let i = 0; i < data.length; i += 1) {
    if (isNull(i)) nullCount += 1;
    else nullBitmap[i >> 3]! |= 1 << (i & 7);
  }
  return nullCount === 0 ? { nullCount } : { nullCount, nullBitmap };
}
