-- Run once by the PostgreSQL container, as its superuser, when its volume is new.
-- The ledger and the schema registry share a database and nothing in it. The roles of readers and of
-- the sealer are made here, so that the ledger's needs no right to make roles.
\getenv ledger_password LEDGER_DB_PASSWORD
\getenv registry_password REGISTRY_DB_PASSWORD
CREATE ROLE runut_reader NOLOGIN;
CREATE ROLE runut_sealer NOLOGIN;
CREATE ROLE runut LOGIN PASSWORD :'ledger_password';
GRANT runut_sealer TO runut;
CREATE ROLE registry LOGIN PASSWORD :'registry_password';
CREATE DATABASE runut OWNER runut;
\connect runut
CREATE SCHEMA registry AUTHORIZATION registry;
\i /runut/readers.sql
