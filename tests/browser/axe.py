"""axe-core from npm, which checks pages for accessibility.

It is packed into the tests' temporary folder, checked against its SHA-512, and never installed.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from playwright.sync_api import Page

PACKAGE = "axe-core@4.14.1"
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
WIDTHS = {"desktop": (1440, 900), "phone": (390, 844)}
# A theme changes colors alone, and these alike at all widths.
LOOKS = (
    ("desktop", "light", {}),
    ("desktop", "dark", {"runOnly": ["color-contrast", "link-in-text-block"]}),
    ("phone", "light", {}),
)
# Where the skeleton of the page was checked at each of these: every rule at both widths, colors in both themes.
FEWER_LOOKS = (("desktop", "light", {}), ("phone", "dark", {}))
# A rule has one impact: those of another one could find nothing that counts, and take a third of the time.
RUN = """([context, options, impacts]) => {
  const rules = axe._audit.rules.filter(({enabled, impact, tags, id}) => enabled && impacts.includes(impact)
    && !tags.includes("experimental") && (!options.runOnly || options.runOnly.includes(id)));
  return axe.run(context, {resultTypes: ["violations"], ...options, runOnly: rules.map(rule => rule.id)})
    .then(results => results.violations
    .filter(rule => impacts.includes(rule.impact))
    .flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 200)} (${node.target}) ` +
      [...node.any, ...node.all, ...node.none].map(check => check.message).join("; "))));
}"""


def source(folder: Path) -> str:
    """The script of axe-core.

    Skips the test where there is no npm or no registry.
    """
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm was not found")
    # npm keeps downloads in its own cache, which is checked first.
    command = [npm, "pack", PACKAGE, "--prefer-offline", "--ignore-scripts", "--silent", "--pack-destination", folder]
    packed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if packed.returncode:
        pytest.skip(f"npm could not download {PACKAGE}: {packed.stderr or packed.stdout}")
    archive = folder / packed.stdout.split()[-1]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert digest == SHA512, f"{PACKAGE} is not the file whose SHA-512 is pinned in {__file__}."
    with tarfile.open(archive) as files:
        script = files.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


def violations(
    page: Page,
    script: str,
    *,
    impacts: tuple[str, ...] = ("serious", "critical"),
    seen: tuple[str, ...] = (),
) -> list[str]:
    """Findings of these impacts, at both widths, in both themes.

    `seen`: selectors of what is the same on all pages, if another page of the same style sheets was checked with it.
    """
    lines: list[str] = []
    page.evaluate(script)  # by the debugger, which a CSP does not concern
    context = {"exclude": [[selector] for selector in seen]}
    # The page has the size of the last look at the one before: to begin with that saves a layout of the whole page.
    is_phone = page.viewport_size == dict(zip(("width", "height"), WIDTHS["phone"], strict=True))
    looks = FEWER_LOOKS if seen else LOOKS
    for name, theme, options in reversed(looks) if is_phone else looks:
        width, height = WIDTHS[name]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        # Only one rule reads the style sheets.
        arguments = [context, {"preload": not seen, **options}, impacts]
        lines += [f"{page.url} {name} {theme}: {line}" for line in page.evaluate(RUN, arguments)]
    return lines
