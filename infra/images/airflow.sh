#!/bin/sh
# What a container of the Airflow image runs. The Helm chart calls it /entrypoint, and gives it shells as well as
# Airflow's own commands.
set -eu

case ${1:-} in
bash | sh | python | airflow | figlake | /*) exec "$@" ;;
*) exec airflow "$@" ;;
esac
