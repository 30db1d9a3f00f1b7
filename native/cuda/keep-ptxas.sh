#!/bin/sh
# Runs a compiler of kernels and keeps what ptxas reports of them beside the object file, as
# OBJECT.ptxas; everything else that the compiler says goes where it went before.
#
#     keep-ptxas.sh nvcc ... -o OBJECT ...
object=
previous=
for argument; do
  [ "$previous" = -o ] && object=$argument
  previous=$argument
done
said=$(mktemp)
trap 'rm -f "$said"' EXIT
"$@" 2>"$said"
status=$?
report='^ptxas info|bytes stack frame'
[ -n "$object" ] && grep -E "$report" "$said" >"$object.ptxas"
grep -Ev "$report" "$said" >&2
exit "$status"
