# Sourced by run.sh and test.sh, which set $root to the repository's root.
#
# choose_package_set PROJECT sets and exports PackageSet, and prints one line that says which it is and why: the one the
# caller has set, else full if it restores, else portable.

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# A machine without ICU can still run the SDK.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT="${DOTNET_SYSTEM_GLOBALIZATION_INVARIANT:-1}"

require_dotnet() {
  if ! command -v dotnet >/dev/null; then
    echo "error: the .NET SDK is missing: install dotnet-sdk-10.0 (https://dotnet.microsoft.com/download) and put dotnet on the PATH" >&2
    exit 1
  fi
}

choose_package_set() {
  local log missing
  if [ -n "${PackageSet:-}" ]; then
    case "$PackageSet" in
      full | portable) ;;
      *)
        echo "error: PackageSet is '$PackageSet'; it can be full or portable" >&2
        exit 1
        ;;
    esac
    echo "package set: $PackageSet (set by the environment)"
  elif log=$(cd "$root" && dotnet restore "$1" -p:PackageSet=full 2>&1); then
    PackageSet=full
    echo "package set: full (this machine's registry has every package)"
  else
    # NU1101-1103: no such package or version. NU1603: only another version. NU1301: the registry does not answer for it.
    missing=$(sed -nE -e 's/.*error NU110[123]: Unable to find( a stable)? package ([A-Za-z0-9._-]*[A-Za-z0-9_-]).*/\2/p' \
      -e 's/.*error NU1603: .* but ([A-Za-z0-9._-]+ [^ ]+) was not found.*/\1/p' <<<"$log" | sort -u | paste -sd ',' | sed 's/,/, /g')
    if [ -z "$missing" ] && ! grep -q 'error NU1301' <<<"$log"; then
      printf '%s\n' "$log" >&2
      exit 1
    fi
    PackageSet=portable
    case "$missing" in
      '') echo "package set: portable (the full set's packages cannot be had: this machine's registry does not answer)" ;;
      *,*) echo "package set: portable ($missing are not in this machine's registry)" ;;
      *) echo "package set: portable ($missing is not in this machine's registry)" ;;
    esac
  fi
  export PackageSet
}

# build_release PROJECT builds quietly, with one compiler process for all projects; it ends by itself when idle.
build_release() {
  local log="$root/artifacts/build.log" status=0
  mkdir -p "$root/artifacts"
  (cd "$root" && UseSharedCompilation=true dotnet build "$1" -c Release -v q -p:PackageSet="$PackageSet") >"$log" 2>&1 || status=$?
  if [ "$status" -ne 0 ]; then
    grep -E 'error|warning' "$log" | sort -u >&2 || cat "$log" >&2
    echo "error: the build failed; its output is in $log" >&2
    exit 1
  fi
}

# write_launcher makes artifacts/crescent, which runs the CLI built last.
write_launcher() {
  mkdir -p "$root/artifacts"
  cat >"$root/artifacts/crescent.new" <<END
#!/bin/sh
# Runs the CLI of the last ./run.sh or ./test.sh.
here=\$(dirname "\$(readlink -f "\$0")")
if [ -z "\${DOTNET_ROOT:-}" ] && dotnet=\$(command -v dotnet); then
  DOTNET_ROOT=\$(dirname "\$(readlink -f "\$dotnet")")
  export DOTNET_ROOT
fi
exec "\$here/$PackageSet/bin/Crescent.Cli/release/crescent" "\$@"
END
  chmod +x "$root/artifacts/crescent.new"
  mv -f "$root/artifacts/crescent.new" "$root/artifacts/crescent"
}
