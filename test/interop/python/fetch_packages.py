"""Has Spark fetch its packages when the suite is installed: its cache is not made for two that fetch at a time."""

from tempfile import TemporaryDirectory

from spark_session import AWS, NESSIE, open_session

with TemporaryDirectory() as folder:
    open_session(folder, {}, packages=[NESSIE, AWS]).stop()
