"""What holds for all tests."""

import os

# The JVMs of tests live for seconds: most of what a small step on Spark costs is compiling what is then hardly used.
os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1")
