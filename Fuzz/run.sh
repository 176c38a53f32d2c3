#!/usr/bin/env bash
# Builds the fuzz targets with libFuzzer and AddressSanitizer, and runs each of them for so many seconds.
#
#   Fuzz/run.sh SECONDS [TARGET...]     all of Fuzz/Targets unless some are named
#
# Starts from Fuzz/corpus/TARGET. Inputs that reach new code are kept in .build/fuzz/corpus/TARGET, and the
# next run starts from them too. An input that traps, leaks or hangs is kept in Fuzz/artifacts, and the exit
# status is not 0; to replay it: SWIFT_BACKTRACE=enable=no .build/fuzz/TARGET Fuzz/artifacts/FILE. Twenty
# seconds are enough for a smoke test.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?usage: Fuzz/run.sh SECONDS [TARGET...]}
shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for file in Fuzz/Targets/*.swift; do targets+=("$(basename "$file" .swift)"); done
fi

build=$PWD/.build/fuzz
mkdir -p "$build" Fuzz/artifacts
flags=(-swift-version 6 -g -package-name reprise -parse-as-library -use-ld=lld
    -sanitize=fuzzer,address -I "$build"
    -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature MemberImportVisibility
    -enable-upcoming-feature NonisolatedNonsendingByDefault -enable-upcoming-feature ExistentialAny
    -enable-experimental-feature Lifetimes -Xcc "-fmodule-map-file=$build/shims.modulemap")

shims=$PWD/Sources/CRepriseShims
{
    printf 'module CRepriseShims { umbrella "%s/include" export * }\n' "$shims"
    printf 'module CReprise { header "%s/Sources/CReprise/include/reprise.h" export * }\n' "$PWD"
} >"$build/shims.modulemap"
objects=()
for file in "$shims"/*.c; do
    object=$build/$(basename "$file").o
    clang -O1 -g -fsanitize=address,fuzzer-no-link -I "$shims/include" -c "$file" -o "$object"
    objects+=("$object")
done

for module in RepriseCore RepriseWire RepriseDisk RepriseRemote RepriseNode RepriseC; do
    mapfile -t sources < <(find "Sources/$module" -name '*.swift' | sort)
    swiftc "${flags[@]}" -O -wmo -module-name "$module" \
        -emit-module -emit-module-path "$build/$module.swiftmodule" -c -o "$build/$module.o" "${sources[@]}"
    objects+=("$build/$module.o")
done

# A crash would hang in Swift's own backtracer; libFuzzer prints one anyway.
export SWIFT_BACKTRACE=enable=no
status=0
for target in "${targets[@]}"; do
    swiftc "${flags[@]}" -O -module-name "Fuzz_$target" "Fuzz/Targets/$target.swift" "${objects[@]}" \
        -o "$build/$target"
    mkdir -p "$build/corpus/$target" "Fuzz/corpus/$target"
    options=(-max_total_time="$seconds" -max_len=1024 -timeout=10 -print_final_stats=1
        -artifact_prefix="Fuzz/artifacts/$target-")
    [ -f "Fuzz/$target.dict" ] && options+=(-dict="Fuzz/$target.dict")
    echo "fuzzing $target for $seconds s"
    log=$build/$target.log
    "$build/$target" "${options[@]}" "$build/corpus/$target" "Fuzz/corpus/$target" 2>"$log" || status=1
    grep -E '^(INFO: seed corpus|Done|stat::|SUMMARY|==)|Fatal error|Test unit written' "$log" || true
done
exit $status
