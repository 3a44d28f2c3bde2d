/* Questions to the server: GET and POST with JSON. */

/** The answer to a question. Throws an Error whose message is one sentence for people. */
export async function ask(path, parameters = {}, method = "GET") {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  let response;
  try {
    response = await fetch(url, { method, headers: { Accept: "application/json" } });
  } catch {
    throw new Error("The server cannot be reached.");
  }
  const answer = await response.json().catch(() => null);
  if (answer?.error) throw new Error(answer.error);
  if (!response.ok || answer === null) throw new Error(`The server answered with status ${response.status}.`);
  return answer;
}
