#!/bin/sh
# Makes the bucket, the user that figlake is and one who only reads; run again, it changes nothing but the passwords.
set -eu

# What is written on a command line can be read by every process of the machine; mc takes this from the environment.
export MC_HOST_store="http://$MINIO_ROOT_USER:$MINIO_ROOT_PASSWORD@object-store:9000"
mc mb --ignore-existing store/figlake

# user NAME PASSWORD POLICY FILE
user() {
    mc admin policy create store "$3" "$4"
    printf '%s\n%s\n' "$1" "$2" | mc admin user add store
    mc admin policy attach store "$3" --user "$1" || mc admin user info store "$1" | grep -q "$3"
}
user "$FIGLAKE_S3_KEY" "$FIGLAKE_S3_SECRET" figlake /setup/policy.json
user "$FIGLAKE_S3_READ_KEY" "$FIGLAKE_S3_READ_SECRET" figlake-read /setup/read-policy.json
