// Suggests symbols while somebody types into a field that has a list. Without this the forms work all the same.
for (const input of document.querySelectorAll("input[list]")) {
  let newest = "";
  input.addEventListener("input", async () => {
    const typed = (newest = input.value.trim());
    if (!typed) return;
    const answer = await fetch(`/search.json?q=${encodeURIComponent(typed)}`);
    if (!answer.ok || typed !== newest) return;
    const { symbols, total, truncated } = await answer.json();
    const rest = truncated ? [new Option(`${symbols.length} of ${total} symbols; search for all of them`, typed)] : [];
    input.list.replaceChildren(...symbols.map((name) => new Option(name, name)), ...rest);
  });
}
