import reflex as rx

# On loopback, so that people come through Cardea. Where Cardea is not on port 443, set api_url="https://desk.corp.example:8443".
config = rx.Config(
    app_name="desk",
    backend_host="127.0.0.1",
    telemetry_enabled=False,
    plugins=[rx.plugins.RadixThemesPlugin()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
