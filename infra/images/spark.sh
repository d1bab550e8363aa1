#!/bin/bash
# What a container of the Spark image runs, by its first word:
#   master, worker     Spark standalone; the other words are Spark's own options
#   driver, executor   what Spark on Kubernetes asks of an image; all the rest comes in the environment
#   anything else      a command, such as figlake
set -euo pipefail

spark=${SPARK_HOME:?}
java=${JAVA_HOME:+$JAVA_HOME/bin/}java

case ${1:-} in
master)
    shift
    exec "$spark/bin/spark-class" org.apache.spark.deploy.master.Master "$@"
    ;;
worker)
    shift
    exec "$spark/bin/spark-class" org.apache.spark.deploy.worker.Worker "$@"
    ;;
driver)
    shift
    address=${SPARK_DRIVER_BIND_ADDRESS:?}
    exec "$spark/bin/spark-submit" --deploy-mode client \
        --conf "spark.driver.bindAddress=$address" \
        --conf "spark.executorEnv.SPARK_DRIVER_POD_IP=$address" \
        "$@"
    ;;
executor)
    # One variable for each option, numbered from 0.
    options=()
    for ((number = 0; ; number++)); do
        name=SPARK_JAVA_OPT_$number
        [ -n "${!name+set}" ] || break
        options+=("${!name}")
    done
    exec "$java" ${options[@]+"${options[@]}"} \
        "-Xms${SPARK_EXECUTOR_MEMORY:?}" "-Xmx$SPARK_EXECUTOR_MEMORY" \
        -cp "${SPARK_CONF_DIR:-$spark/conf}:${SPARK_CLASSPATH:+$SPARK_CLASSPATH:}$spark/jars/*" \
        org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
        --driver-url "${SPARK_DRIVER_URL:?}" \
        --executor-id "${SPARK_EXECUTOR_ID:?}" \
        --cores "${SPARK_EXECUTOR_CORES:?}" \
        --app-id "${SPARK_APPLICATION_ID:?}" \
        --hostname "${SPARK_EXECUTOR_POD_IP:?}" \
        --resourceProfileId "${SPARK_RESOURCE_PROFILE_ID:?}" \
        --podName "${SPARK_EXECUTOR_POD_NAME:?}"
    ;;
*)
    exec "$@"
    ;;
esac
