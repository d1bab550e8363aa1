"""The file that spark-submit is given on a cluster: figlake's command line, its arguments as they are."""

from jobs.cli import main

main()
