"""Colors, title and sidebar of the admin (django-unfold)."""

TEAL = {
    "50": "oklch(98.4% .014 180.72)",
    "100": "oklch(95.3% .051 180.801)",
    "200": "oklch(91% .096 180.426)",
    "300": "oklch(85.5% .138 181.071)",
    "400": "oklch(77.7% .152 181.912)",
    "500": "oklch(70.4% .14 182.503)",
    "600": "oklch(51.1% .096 186.391)",  # darker than the scale, for enough contrast of white text
    "700": "oklch(46% .085 186.9)",
    "800": "oklch(43.7% .078 188.216)",
    "900": "oklch(38.6% .063 188.416)",
    "950": "oklch(27.7% .046 192.524)",
}
UNFOLD = {
    "SITE_TITLE": "imagelib",
    "SITE_HEADER": "imagelib",
    "SITE_URL": "/",
    "SITE_SYMBOL": "photo_library",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "analysis.admin.sidebar.mark"}],
    "STYLES": ["analysis.admin.sidebar.style_sheet"],
    "SCRIPTS": ["analysis.admin.sidebar.script"],
    "SIDEBAR": {"show_search": False, "navigation": "analysis.admin.sidebar.navigation"},
    "COLORS": {"primary": TEAL},
}
