# Sourced by run.sh and test.sh: chooses the package set (the real packages, or the stand-ins of portable/) and says why.
# PackageSet in the environment decides; otherwise the full set is taken when its packages can be restored.

# choose_package_set PROJECT: exports PackageSet, which MSBuild reads as a property. PROJECT is restored on return.
choose_package_set() {
  local log reason
  if [ -n "${PackageSet:-}" ]; then
    echo "package set: $PackageSet (PackageSet is set in the environment)"
    log=$(dotnet restore "$1" -p:PackageSet="$PackageSet" 2>&1) || { echo "$log" >&2; return 1; }
  elif log=$(dotnet restore "$1" -p:PackageSet=full 2>&1); then
    PackageSet=full
    echo "package set: full (every package can be restored)"
  else
    reason=$(grep -oE "error NU1101: Unable to find package [A-Za-z0-9.]+[A-Za-z0-9]" <<<"$log" | awk "{print \$NF}" | sort -u | paste -sd " ")
    PackageSet=portable
    echo "package set: portable (not in this machine's package sources: ${reason:-a version of the full set})"
    log=$(dotnet restore "$1" -p:PackageSet=portable 2>&1) || { echo "$log" >&2; return 1; }
  fi
  export PackageSet
}

# build_release PROJECT: builds quietly with one compiler process for all projects, and ends that process again.
build_release() {
  local log status=0
  log=$(UseSharedCompilation=true dotnet build "$1" -c Release --no-restore -v quiet --nologo -p:PackageSet="$PackageSet" 2>&1) || status=$?
  dotnet build-server shutdown --vbcscompiler >/dev/null 2>&1 || true
  if [ $status -ne 0 ]; then
    echo "$log" >&2
  fi
  return $status
}

# write_launcher: artifacts/crescent runs what was just built.
write_launcher() {
  mkdir -p artifacts
  printf '#!/bin/sh\nexec "$(dirname "$0")/%s/bin/Crescent.Cli/release/crescent" "$@"\n' "$PackageSet" > artifacts/crescent
  chmod +x artifacts/crescent
}
