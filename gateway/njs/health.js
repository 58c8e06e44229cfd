/* Sums up whether the services behind the gateway are ready. */

const SERVICES = ['auth', 'trading', 'market', 'backtest', 'broker', 'notification'];

/** 200 when every service is ready, else 503 and which ones are not. All are asked at once. */
async function summary(r) {
    const answers = await Promise.all(SERVICES.map((name) => r.subrequest(`/_ready/${name}`)));
    const services = {};
    let status = 'ok';
    answers.forEach((answer, i) => {
        services[SERVICES[i]] = stateOf(answer.status);
        if (answer.status !== 200) {
            status = 'degraded';
        }
    });
    r.headersOut['Content-Type'] = 'application/json';
    r.headersOut['Cache-Control'] = 'no-store';
    r.return(status === 'ok' ? 200 : 503, JSON.stringify({status, services}));
}

function stateOf(status) {
    if (status === 200) {
        return 'ok';
    }
    return status === 502 || status === 504 ? 'unreachable' : 'not_ready';
}

export default {summary};
