#!/bin/sh
# Makes the bucket and the user that figlake is; run again, it changes nothing but the password.
set -eu

# What is written on a command line can be read by every process of the machine; mc takes this from the environment.
export MC_HOST_store="http://$MINIO_ROOT_USER:$MINIO_ROOT_PASSWORD@object-store:9000"
mc mb --ignore-existing store/figlake
mc admin policy create store figlake /setup/policy.json
printf '%s\n%s\n' "$FIGLAKE_S3_KEY" "$FIGLAKE_S3_SECRET" | mc admin user add store
mc admin policy attach store figlake --user "$FIGLAKE_S3_KEY" ||
    mc admin user info store "$FIGLAKE_S3_KEY" | grep -q 'figlake'
