# Patroni runs it once, when the cluster is new, with the superuser's URL as $1.
set -eu
psql --dbname="$1" --set=ON_ERROR_STOP=1 --set=password="$DATABASE_PASSWORD" <<'SQL'
CREATE ROLE taskhold LOGIN PASSWORD :'password';
CREATE DATABASE taskhold OWNER taskhold;
SQL
