"""Colors, title and sidebar of the admin (django-unfold)."""

TEAL = {
    "50": "oklch(98.4% .014 180.72)",
    "100": "oklch(95.3% .051 180.801)",
    "200": "oklch(91% .096 180.426)",
    "300": "oklch(85.5% .138 181.071)",
    "400": "oklch(77.7% .152 181.912)",
    "500": "#5cc8bf",  # the accent of design_tokens.css in the dark theme
    "600": "#0b6b6b",  # and in the light theme; white text has enough contrast on it
    "700": "oklch(46% .085 186.9)",
    "800": "oklch(43.7% .078 188.216)",
    "900": "oklch(38.6% .063 188.416)",
    "950": "oklch(27.7% .046 192.524)",
}
UNFOLD = {
    "SITE_TITLE": "imagelib",
    "SITE_HEADER": "imagelib",
    "SITE_URL": "/",
    "SITE_ICON": "analysis.admin.sidebar.mark",
    "THEME": "analysis.admin.sidebar.theme",
    "DASHBOARD_CALLBACK": "analysis.admin.home.context",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "analysis.admin.sidebar.mark"}],
    "STYLES": [f"analysis.admin.sidebar.{name}" for name in ("tokens", "theme_colors", "style_sheet", "home_styles")],
    "SCRIPTS": ["analysis.admin.sidebar.script"],
    "SIDEBAR": {"show_search": False, "navigation": "analysis.admin.sidebar.navigation"},
    "COLORS": {"primary": TEAL},
}
