#!/bin/sh
# Grants the principals of a ledger what they need, and nothing else: nobody may delete, alter, or
# write in transactions. May be run again, for instance for one more agency.
#
#   grant.sh BROKER:9094 admin.properties AGENCY...
#
# Each agency logs in under its own code. The ledger's services log in as runut-ledger (founds the
# ledger and keeps its directory), runut-worker, runut-web and runut-sealer; auditors and witnesses
# as runut-auditor.
set -eu
server=$1 admin=$2
shift 2

events=runut.events
directory=runut.directory
seals=runut.seals

grant() {
  "${KAFKA_ACLS:-kafka-acls.sh}" --bootstrap-server "$server" --command-config "$admin" --add "$@"
}

emitters=
for agency in "$@"; do
  emitters="$emitters --allow-principal User:$agency"
done
read="--operation Read --operation Describe --operation DescribeConfigs"
write="--operation Write --operation Describe"

# shellcheck disable=SC2086 # codes of agencies have no spaces
{
  # Schemas, keys and protocol: who emits has to know them. Keys are public.
  grant $emitters $read --topic "$directory"
  # Appending is all that an emitter does to the log; whose events they are say their signatures.
  grant $emitters --allow-principal User:runut-web --allow-principal User:runut-worker \
    $write --topic "$events"
  grant --allow-principal User:runut-worker --allow-principal User:runut-web \
    --allow-principal User:runut-sealer --allow-principal User:runut-auditor \
    $read --topic "$events" --topic "$directory" --topic "$seals"
  grant --allow-principal User:runut-worker --operation Read --group runut-projector
  grant --allow-principal User:runut-sealer $write --topic "$seals"
  grant --allow-principal User:runut-ledger $read $write --operation Create \
    --topic "$events" --topic "$directory" --topic "$seals"
}
