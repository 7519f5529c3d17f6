"""The same twelve checks as bench/quality.ts, by Great Expectations, on a pandas frame in memory: with counts, as ours."""

import json
import logging
import os
import sys
import time
import warnings

os.environ["GX_ANALYTICS_ENABLED"] = "false"
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

try:
    import great_expectations as gx
    import pandas as pd
    from great_expectations import expectations as gxe
except ModuleNotFoundError:
    # It brings pandas and SciPy along, which no other peer has a use for.
    raise SystemExit(f"once, for this bench: {sys.executable} -m pip install great_expectations==1.24.1")

frame = pd.read_parquet(sys.argv[1])
frame["is_other"] = frame["origin"] != frame["destination"]

context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
batch = (
    context.data_sources.add_pandas("memory")
    .add_dataframe_asset("flights")
    .add_batch_definition_whole_dataframe("all")
    .get_batch({"dataframe": frame})
)
suite = gx.ExpectationSuite(
    name="flights",
    expectations=[
        gxe.ExpectColumnValuesToNotBeNull(column="date"),
        gxe.ExpectColumnValuesToNotBeNull(column="delay"),
        gxe.ExpectColumnValuesToNotBeNull(column="origin"),
        gxe.ExpectColumnValuesToNotBeNull(column="destination"),
        gxe.ExpectColumnValuesToBeBetween(column="delay", min_value=-1500, max_value=1500),
        gxe.ExpectColumnValuesToBeBetween(column="distance", min_value=1, max_value=5000),
        gxe.ExpectColumnValuesToBeBetween(
            column="date", min_value=pd.Timestamp("2001-01-01"), max_value=pd.Timestamp("2001-12-31")
        ),
        gxe.ExpectColumnValuesToMatchRegex(column="origin", regex="^[A-Z]{3}$"),
        gxe.ExpectColumnValueLengthsToEqual(column="destination", value=3),
        gxe.ExpectColumnValuesToBeInSet(column="origin", value_set=["ATL", "ORD", "DFW", "LAX", "PHX"]),
        gxe.ExpectColumnValuesToBeInSet(column="is_other", value_set=[True]),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["date", "origin", "destination"]),
    ],
)

start, cpu = time.perf_counter(), time.process_time()
result = batch.validate(suite, result_format="BASIC")
taken = {"checkSeconds": time.perf_counter() - start, "cpuSeconds": time.process_time() - cpu}
for each in result.results:
    if each.exception_info and each.exception_info.get("raised_exception"):
        raise SystemExit(f"{each.expectation_config.type}: {each.exception_info}")
print(json.dumps(taken))
