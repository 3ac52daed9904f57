// A real OAuth 2.0 provider whose people consent by themselves. What they do, and how well it is,
// is set over its second port, which speaks plain HTTP to this machine only.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { pathToFileURL } from "node:url";

const options = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { Provider } = await import(pathToFileURL(options.library));
const base = new URL(options.issuer).pathname;
const usual = { as: "", deny: "", down: false, seconds: 3600, delay: 0 };
let plan = { ...usual };
let asked = {};
const grants = {};

const provider = new Provider(options.issuer, {
  clients: options.clients,
  cookies: { keys: ["tests"] },
  scopes: ["openid", "offline_access", "profile", "email", "mail"],
  claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email", "email_verified"] },
  conformIdTokenClaims: false,
  features: {
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id, email_verified: true, preferred_username: id }),
  }),
  extraTokenClaims: (_, token) => ({ username: token.accountId }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  pkce: { required: () => true },
  renderError: (ctx, out) => { ctx.body = out; },
  ttl: {
    AccessToken: () => plan.seconds,
    RefreshToken: 86400, Grant: 86400, IdToken: 3600, Interaction: 600, Session: 600,
    DeviceCode: 600,
  },
});
provider.on("refresh_token.saved", (token) => { grants[token.accountId] = token.grantId; });

async function allow(clientId, accountId, scope) {
  const grant = new provider.Grant({ clientId, accountId });
  grant.addOIDCScope(scope);
  return grant.save();
}

async function consent(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  let result = { login: { accountId: plan.as || params.login_hint } };
  if (plan.deny) result = { error: plan.deny, error_description: "the person said no" };
  else if (prompt.name === "consent") {
    result = { consent: { grantId: await allow(params.client_id, session.accountId, params.scope) } };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

async function confirm({ userCode, accountId }) {
  const code = await provider.DeviceCode.findByUserCode(userCode.replace(/-/g, ""));
  const scope = code.params.scope;
  const grantId = await allow(code.clientId, accountId, scope);
  Object.assign(code, { accountId, grantId, scope, authTime: Math.floor(Date.now() / 1000) });
  await code.save();
}

async function revoke({ accountId }) {
  const grantId = grants[accountId];
  for (const kind of ["AccessToken", "RefreshToken", "AuthorizationCode"]) {
    await provider[kind].revokeByGrantId(grantId);
  }
  await (await provider.Grant.find(grantId))?.destroy();
}

async function read(request) {
  let text = "";
  for await (const part of request) text += part;
  return JSON.parse(text || "{}");
}

async function control(request, response) {
  const wish = await read(request);
  if (wish.plan) { plan = { ...usual, ...wish.plan }; asked = {}; }
  if (wish.confirm) await confirm(wish.confirm);
  if (wish.revoke) await revoke(wish.revoke);
  response.end(JSON.stringify({ asked }));
}

const speak = provider.callback();

function answer(request, response) {
  choose(request, response).catch((error) => response.writeHead(500).end(String(error.stack)));
}

async function choose(request, response) {
  const { pathname } = new URL(request.url, options.issuer);
  if (pathname === "/control" && !request.socket.encrypted) return control(request, response);
  if (pathname.startsWith("/interaction/")) return consent(request, response);
  const place = pathname.slice(base.length);
  asked[place] = (asked[place] ?? 0) + 1;
  if (place === "/token") {
    await new Promise((done) => setTimeout(done, plan.delay));
    if (plan.down) return response.writeHead(503).end("busy");
  }
  request.originalUrl = request.url;
  request.url = request.url.slice(base.length);
  return speak(request, response);
}

const tls = { key: readFileSync(options.key), cert: readFileSync(options.certificate) };
createTlsServer(tls, answer).listen(options.port, "127.0.0.1");
createServer(answer).listen(options.controlPort, "127.0.0.1");
