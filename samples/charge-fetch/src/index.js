// Charges a card by somebody else's API: a JSON request with a secret, its answer, and what may go wrong.
//
// The manifest names the place (`[outbound] http`) and gives two variables, `API_URL` and `API_KEY`.

const PAGE = `<!doctype html><title>charge</title><form method=post action=charge>
<label>Cents <input name=amount></label> <button>Charge</button></form>`;

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return new Response(PAGE, { headers: { "content-type": "text/html; charset=utf-8" } });
    if (pathname !== "/charge" || request.method !== "POST") return text(404, "there is no such page");
    const amount = Number((await request.formData()).get("amount"));
    if (!Number.isInteger(amount) || amount <= 0) return text(400, "an amount is a number of cents");
    return charge(amount);
  },
};

async function charge(amount) {
  const { API_URL, API_KEY } = process.env;
  let answer, said;
  try {
    answer = await fetch(`${API_URL}/v1/charges`, {
      method: "POST",
      headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ amount, currency: "eur" }),
    });
    said = await answer.json();
  } catch (error) {
    return text(502, `the API cannot be asked: ${error.message}`);
  }
  return answer.ok ? text(200, `charged ${amount}: ${said.id}`) : text(502, `the API says ${answer.status}: ${said.error}`);
}

function text(status, line) {
  return new Response(`${line}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}
