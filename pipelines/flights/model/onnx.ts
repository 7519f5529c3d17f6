import protobuf from "protobufjs";
import type { Boosted } from "./boosting.js";

/** The messages of ONNX's schema that a forest takes, by their names and numbers there (onnx.proto, IR version 8). */
const SCHEMA = `
syntax = "proto2";
package onnx;
message AttributeProto {
  optional string name = 1;
  optional float f = 2;
  optional int64 i = 3;
  optional bytes s = 4;
  repeated float floats = 7;
  repeated int64 ints = 8;
  repeated bytes strings = 9;
  optional int32 type = 20;
}
message NodeProto {
  repeated string input = 1;
  repeated string output = 2;
  optional string name = 3;
  optional string op_type = 4;
  repeated AttributeProto attribute = 5;
  optional string domain = 7;
}
message TensorProto {
  repeated int64 dims = 1;
  optional int32 data_type = 2;
  repeated float float_data = 4;
  optional string name = 8;
}
message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
message TensorShapeProto { repeated Dimension dim = 1; }
message TensorType { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
message TypeProto { optional TensorType tensor_type = 1; }
message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
message GraphProto {
  repeated NodeProto node = 1;
  optional string name = 2;
  repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12;
}
message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
message ModelProto {
  optional int64 ir_version = 1;
  optional string producer_name = 2;
  optional GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8;
}
`;

/** Numbers of AttributeProto's types. */
const INT = 2;
const STRING = 3;
const FLOATS = 6;
const INTS = 7;
const STRINGS = 8;
/** The number of single precision among the types of tensors. */
const SINGLE = 1;
const text = (value: string) => new TextEncoder().encode(value);

/** What makes a probability of log-odds: `1 / (1 + exp(-(scale * x + shift)))`. */
export interface Calibration {
  readonly scale: number;
  readonly shift: number;
}

/**
 * A model in ONNX: `features` (rows × features, single precision, NaN where missing) to `probability` (rows × 1). The trees are
 * one TreeEnsembleRegressor; what comes after is the calibration. Without one, the output is the `score` of the trees.
 */
export function onnxOf({ names, base, trees }: Boosted, calibration?: Calibration): Uint8Array {
  const floats = (name: string, values: readonly number[]) => ({ name, type: FLOATS, floats: values });
  const ints = (name: string, values: readonly number[]) => ({ name, type: INTS, ints: values });
  const nodes = trees.flatMap((tree, number) =>
    tree.feature.map((feature, node) => ({
      number,
      node,
      feature: Math.max(0, feature),
      isLeaf: feature < 0,
      threshold: tree.threshold[node] as number,
      missingLeft: tree.missingLeft[node] === true,
      left: Math.max(0, tree.left[node] as number),
      right: Math.max(0, tree.right[node] as number),
      value: tree.value[node] as number,
    })),
  );
  const leaves = nodes.filter(({ isLeaf }) => isLeaf);
  const forest = {
    input: ["features"],
    output: ["score"],
    name: "trees",
    op_type: "TreeEnsembleRegressor",
    domain: "ai.onnx.ml",
    attribute: [
      { name: "n_targets", type: INT, i: 1 },
      { name: "aggregate_function", type: STRING, s: text("SUM") },
      { name: "post_transform", type: STRING, s: text("NONE") },
      floats("base_values", [base]),
      ints(
        "nodes_treeids",
        nodes.map(({ number }) => number),
      ),
      ints(
        "nodes_nodeids",
        nodes.map(({ node }) => node),
      ),
      ints(
        "nodes_featureids",
        nodes.map(({ feature }) => feature),
      ),
      floats(
        "nodes_values",
        nodes.map(({ threshold }) => threshold),
      ),
      {
        name: "nodes_modes",
        type: STRINGS,
        strings: nodes.map(({ isLeaf }) => text(isLeaf ? "LEAF" : "BRANCH_LEQ")),
      },
      ints(
        "nodes_truenodeids",
        nodes.map(({ left }) => left),
      ),
      ints(
        "nodes_falsenodeids",
        nodes.map(({ right }) => right),
      ),
      ints(
        "nodes_missing_value_tracks_true",
        nodes.map(({ missingLeft }) => Number(missingLeft)),
      ),
      ints(
        "target_treeids",
        leaves.map(({ number }) => number),
      ),
      ints(
        "target_nodeids",
        leaves.map(({ node }) => node),
      ),
      ints(
        "target_ids",
        leaves.map(() => 0),
      ),
      floats(
        "target_weights",
        leaves.map(({ value }) => value),
      ),
    ],
  };
  const constant = (name: string, value: number) => ({
    name,
    data_type: SINGLE,
    dims: [1],
    float_data: [value],
  });
  const tensor = (name: string, width: number) => ({
    name,
    type: {
      tensor_type: { elem_type: SINGLE, shape: { dim: [{ dim_param: "rows" }, { dim_value: width }] } },
    },
  });
  const after =
    calibration === undefined
      ? []
      : [
          { input: ["score", "scale"], output: ["scaled"], op_type: "Mul", name: "scale" },
          { input: ["scaled", "shift"], output: ["shifted"], op_type: "Add", name: "shift" },
          { input: ["shifted"], output: ["probability"], op_type: "Sigmoid", name: "probability" },
        ];
  const { root } = protobuf.parse(SCHEMA, { keepCase: true });
  const message = root.lookupType("onnx.ModelProto");
  return message
    .encode(
      message.fromObject({
        ir_version: 8,
        producer_name: "sololakehouse",
        opset_import: [
          { domain: "", version: 15 },
          { domain: "ai.onnx.ml", version: 3 },
        ],
        graph: {
          name: "late",
          node: [forest, ...after],
          initializer:
            calibration === undefined
              ? []
              : [constant("scale", calibration.scale), constant("shift", calibration.shift)],
          input: [tensor("features", names.length)],
          output: [tensor(calibration === undefined ? "score" : "probability", 1)],
        },
      }),
    )
    .finish();
}
