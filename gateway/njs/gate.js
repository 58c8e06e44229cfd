/*
 * Judges access tokens at the edge. What is not proven is refused, and so is whatever goes wrong while judging.
 * Runs on njs 0.7.9: keys come as SPKI DER (no JWK import there), and `token_keys` is preloaded by nginx.conf.
 */

import hashing from 'crypto';

const ISSUER = 'exodus';
const AUDIENCE = 'exodus';
const TYPE = 'at+jwt';
const TOKEN_LENGTH_MAX = 4096;
const LIFETIME_SECONDS_MAX = 3600;
const LEEWAY_SECONDS = 5;
const REMEMBERED_SECONDS = 30;
const SIGNATURE_LENGTH = 64;
const CURVE = {name: 'ECDSA', namedCurve: 'P-256'};
const ALGORITHM = {name: 'ECDSA', hash: 'SHA-256'};

const SIGNED_BY = [
    'http_x_api_key',
    'http_x_api_timestamp',
    'http_x_api_nonce',
    'http_x_api_signature',
    'http_x_content_sha256',
    'request_method',
    'request_uri',
    'remote_addr',
];

const BEARER = /^Bearer +([^ ]+)$/i;
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const ASCII = /^[\x00-\x7f]*$/;
const STRING = /"(?:[^"\\]|\\.)*"/g;
const LEADING_ZERO = /(?:^|[^0-9.eE+-])-?0[0-9]/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Answers an auth_request: 204 with the user and what they may call, or 401 with the verdict, as headers that never
 * leave nginx. X-Accel-Expires says how long nginx may remember a 204: never beyond the token's end.
 */
async function judge(r) {
    let user = '';
    let calls = '';
    let verdict = 'token_invalid';
    try {
        const now = Date.now() / 1000;
        const claims = await prove(r.variables.http_authorization || '', now);
        user = claims.sub;
        calls = callsOf(claims);
        const until = Math.min(now + REMEMBERED_SECONDS, claims.exp + LEEWAY_SECONDS - 1);
        r.headersOut['X-Accel-Expires'] = `@${Math.floor(until)}`;
        verdict = '';
    } catch (e) {
        if (e instanceof Refused) {
            verdict = e.verdict;
        } else {
            r.error(`token refused on an unexpected ${e.name}`);
        }
    }
    r.headersOut['Token-User'] = user;
    r.headersOut['Token-Calls'] = calls;
    r.headersOut['Token-Verdict'] = verdict;
    r.return(verdict === '' ? 204 : 401, verdict);
}

/** Names an Authorization header without telling it. */
function digest(r) {
    return hashing.createHash('sha256').update(r.variables.http_authorization || '').digest('base64url');
}

/** Names everything that the verdict on a signed request depends on, without telling it. */
function signatureDigest(r) {
    const judged = SIGNED_BY.map((name) => String(r.variables[name])).join('\n');
    return hashing.createHash('sha256').update(judged).digest('base64url');
}

function Refused(verdict) {
    this.verdict = verdict;
}

function demand(condition, verdict) {
    if (condition !== true) {
        throw new Refused(verdict || 'token_invalid');
    }
}

/** Returns the claims of a token, or throws. */
async function prove(authorization, now) {
    demand(/^Bearer /i.test(authorization), 'token_missing');
    demand(authorization.length <= TOKEN_LENGTH_MAX + 'Bearer '.length);
    const bearer = BEARER.exec(authorization);
    demand(bearer !== null && COMPACT.test(bearer[1]));
    const parts = bearer[1].split('.');

    const key = keyOf(readObject(parts[0]));
    const claims = readObject(parts[1]);
    requireOurs(claims, now);
    const signature = bytesOf(parts[2]);
    demand(signature.length === SIGNATURE_LENGTH);
    const signed = await isSigned(key, signature, `${parts[0]}.${parts[1]}`);
    demand(signed);
    demand(now < claims.exp + LEEWAY_SECONDS, 'token_expired');
    return claims;
}

/** Reads base64url in the one spelling that bytes have: no letters or bits that mean nothing. */
function bytesOf(part) {
    const bytes = Buffer.from(part, 'base64url');
    demand(bytes.toString('base64url') === part);
    return bytes;
}

/** Reads JSON as auth writes it. Readers differ on what is not ASCII, and this one takes numbers like 01. */
function readObject(part) {
    const text = bytesOf(part).toString();
    demand(ASCII.test(text) && !LEADING_ZERO.test(text.replace(STRING, '')));
    const value = JSON.parse(text);
    demand(typeof value === 'object' && value !== null && !Array.isArray(value));
    return value;
}

/** The header only chooses among our keys; with anything in it that we do not write, the token is not ours. */
function keyOf(header) {
    const names = Object.keys(header).sort().join(' ');
    demand(names === 'alg kid typ' && header.alg === 'ES256' && header.typ === TYPE);
    demand(typeof header.kid === 'string' && Object.prototype.hasOwnProperty.call(token_keys, header.kid));
    return token_keys[header.kid];
}

function requireOurs(claims, now) {
    demand(claims.iss === ISSUER && claims.aud === AUDIENCE);
    demand(isText(claims.sub) && UUID.test(claims.sub) && isText(claims.sid) && UUID.test(claims.sid));
    demand(isText(claims.jti));
    demand(isText(claims.role) && claims.role !== 'service');
    demand(Number.isInteger(claims.iat) && Number.isInteger(claims.exp));
    demand(claims.iat <= now + LEEWAY_SECONDS);
    demand(claims.exp > claims.iat && claims.exp - claims.iat <= LIFETIME_SECONDS_MAX);
    demand(claims.auth_time === undefined || Number.isInteger(claims.auth_time));
    demand(claims.auth_time === undefined || (claims.auth_time >= 0 && claims.auth_time <= claims.iat + LEEWAY_SECONDS));
    demand(claims.nbf === undefined || (Number.isInteger(claims.nbf) && claims.nbf <= now + LEEWAY_SECONDS));
}

/** How many calls a minute the operator allows; a token of ours that says nothing is bounded as everybody is. */
function callsOf(claims) {
    return claims.lim && Number.isInteger(claims.lim.calls_per_minute) ? String(claims.lim.calls_per_minute) : '';
}

function isText(value) {
    return typeof value === 'string' && value !== '';
}

async function isSigned(spki, signature, text) {
    const key = await crypto.subtle.importKey('spki', Buffer.from(spki, 'base64'), CURVE, false, ['verify']);
    return crypto.subtle.verify(ALGORITHM, key, signature, Buffer.from(text));
}

/** Answers an auth_request whose verdict could not be asked for. */
function refuseUndecided(r) {
    r.headersOut['Token-Verdict'] = 'unavailable';
    r.return(401);
}

export default {digest, judge, refuseUndecided, signatureDigest};
