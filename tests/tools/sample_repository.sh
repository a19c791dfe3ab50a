#!/usr/bin/env bash
# Publishes the sample game in two versions into out/sample-repository, unless it is there, and prints that folder. Fails
# where the sample cannot be exported: the launcher then says that it has no repository.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=$repo/out/sample-repository
{
	if [[ ! -e $folder/done ]]; then
		for version in 0.1.0 0.2.0; do
			[[ -e $repo/out/sample-$version/linux ]] || "$repo/tests/tools/export.sh" sample debug "$version"
		done
		cargo_in_rust build --bin vsekai
		vsekai=$(cargo_target)/debug/vsekai
		rm -rf "$folder"
		mkdir -p "$folder"
		"$vsekai" keys init "$folder/keys" --mode stable
		for version in 0.1.0 0.2.0; do
			"$vsekai" publish "$repo/out/sample-$version/linux" --mode stable --version "$version" \
				--platform linux-x86_64 --entry sample.x86_64 --repository "$folder/repository" --keys "$folder/keys"
		done
		touch "$folder/done"
	fi
} >&2
echo "$folder"
