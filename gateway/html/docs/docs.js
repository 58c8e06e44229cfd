/* One page for the routes of all services: each service's own OpenAPI document, so what is shown is what runs. */
const SERVICES = ['auth', 'trading', 'market', 'backtest', 'broker', 'notification'];
const nav = document.getElementById('services');

function show() {
    const asked = location.hash.slice(1).split('/')[0];
    const service = SERVICES.includes(asked) ? asked : SERVICES[0];
    for (const link of nav.querySelectorAll('a')) {
        link.toggleAttribute('aria-current', false);
        if (link.dataset.service === service) {
            link.setAttribute('aria-current', 'page');
        }
    }
    window.SwaggerUIBundle({
        url: `/api/v1/${service}/openapi.json`,
        dom_id: '#reference',
        displayRequestDuration: true,
        validatorUrl: null,
    });
}

for (const service of SERVICES) {
    const link = document.createElement('a');
    link.href = `#${service}`;
    link.dataset.service = service;
    link.textContent = service;
    nav.append(link);
}
window.addEventListener('hashchange', show);
show();
