#!/usr/bin/env bash
# Run once by the image's own entry point: the roles go into template1 first, so that every database has their grants.
set -euo pipefail
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=template1 \
    --file=/roles/supabase-roles.sql --command='CREATE DATABASE migrate_test'
