#!/bin/sh
# The image of PostgreSQL runs it once, when the data folder is new.
set -eu
psql --username=postgres --set=ON_ERROR_STOP=1 --set=password="$DATABASE_PASSWORD" <<'SQL'
CREATE ROLE taskhold LOGIN PASSWORD :'password';
CREATE DATABASE taskhold OWNER taskhold;
SQL
