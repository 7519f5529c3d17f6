"""Reads events by OpenLineage's own classes, and gives them back as OpenLineage's client would send them."""

import json
import sys
import types
import typing

import attr
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.generated import base, column_lineage_dataset, schema_dataset
from openlineage.client.serde import Serde

FACETS = {
    "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet,
    "schema": schema_dataset.SchemaDatasetFacet,
}


def read(wanted, value):
    """A value as the type says, attribute by attribute: one that the class doesn't have is an error."""
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        [wanted] = [each for each in typing.get_args(wanted) if each is not type(None)]
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is list:
        return [read(arguments[0], each) for each in value]
    if origin is dict and arguments[1] is base.DatasetFacet:
        return {name: read(FACETS[name], each) for name, each in value.items()}
    if origin is dict:
        return {name: read(arguments[1], each) for name, each in value.items()}
    if attr.has(wanted):
        hints = typing.get_type_hints(wanted)
        own = {field.name: field for field in attr.fields(wanted)}
        given = {field.alias: read(hints[name], value[name]) for name, field in own.items() if field.init and name in value}
        assert value.keys() <= own.keys(), value.keys() - own.keys()
        return wanted(**given)
    if wanted is RunState:
        return RunState(value)
    assert isinstance(value, wanted), (wanted, value)
    return value


print(json.dumps([Serde.to_dict(read(RunEvent, event)) for event in json.load(sys.stdin)]))
