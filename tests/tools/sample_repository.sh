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
		news=("$vsekai" news add --mode stable --repository "$folder/repository" --keys "$folder/keys")
		"${news[@]}" lamps --date 2026-02-03T10:00:00Z --picture "$repo/tests/tools/news/lamps.webp" \
			--title "en=Somebody left the lamps on" --text "en=Walk through the garden and touch each lamp. They remember." \
			--title "de=Jemand hat die Lampen angelassen" --text "de=Geh durch den Garten und berühre jede Lampe. Sie merken es sich."
		"${news[@]}" meeting --date 2026-03-14T18:00:00Z --link https://v-sekai.org \
			--title "en=Meet the people who build it" --text "en=Every week, in the world itself. Bring a question, or a world of your own." \
			--title "de=Triff die Leute, die es bauen" --text "de=Jede Woche, in der Welt selbst. Bring eine Frage mit, oder eine eigene Welt."
		"${news[@]}" garden --date 2026-04-01T09:00:00Z --link https://v-sekai.org --picture "$repo/tests/tools/news/garden.webp" \
			--title "en=The garden is open" --text "en=A small world to walk through, with a sky that changes. Come and see it at dusk." \
			--title "de=Der Garten ist offen" --text "de=Eine kleine Welt zum Durchgehen, mit einem Himmel, der sich ändert. Komm in der Dämmerung."
		touch "$folder/done"
	fi
} >&2
echo "$folder"
