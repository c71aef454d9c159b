"""Plain text out of a manual page: enough of man and mdoc to read well, not to look well."""

import re

# Macros whose line holds no text of the page.
SILENT = set(
    "TH Dd Dt Os PP P LP IP TP HP RS RE nf fi sp br ad hy nh ne na in ti ta de ds if ie el so ig rm nr ft ps ss UE ME "
    "EX EE PD DT Pp Bl El Bd Ed TS TE T& SY YS UR MT cf lf tr am ll lt pl po pc rn tm ex als nx mk rt".split()
)
HEADINGS = {"SH", "SS", "Sh", "Ss"}
CHARACTERS = {
    "aq": "'", "bu": "•", "bv": "|", "co": "©", "cq": "’", "dg": "†", "dq": '"', "em": "—", "en": "–", "eq": "=",
    "fi": "fi", "ga": "`", "ha": "^", "hy": "-", "lq": "“", "mi": "−", "mu": "×", "oq": "‘", "pl": "+", "rg": "®",
    "rq": "”", "rs": "\\", "sh": "#", "ss": "ß", "ti": "~", "tm": "™", "<=": "≤", ">=": "≥", "->": "→", "<-": "←",
    ":a": "ä", ":o": "ö", ":u": "ü", ":A": "Ä", ":O": "Ö", ":U": "Ü", "'e": "é", "`e": "è", "'a": "á", "`a": "à",
    "'i": "í", "'o": "ó", "'u": "ú", "~n": "ñ", ",c": "ç", "^e": "ê", "^a": "â", "^o": "ô", "^i": "î", "^u": "û",
}


def unescape(text):
    """A line without roff's escapes: fonts and sizes go, named characters become themselves."""
    text = re.sub(r'(?<!\\)\\["#].*', "", text)
    text = re.sub(r"\\f(\[[^]]*\]|\(..|.)|\\[sm]([-+]?\d{1,2}|\[[^]]*\]|\(..)|\\[hvwloZ]'[^']*'", "", text)
    text = re.sub(r"\\\[u([0-9A-F]{4,6})\]", lambda match: chr(int(match[1], 16)), text)
    text = re.sub(r"\\\[([^]]*)\]|\\\((..)", lambda match: CHARACTERS.get(match[1] or match[2], ""), text)
    text = re.sub(r"\\\*(\[[^]]*\]|\(..|.)", "", text)
    text = re.sub(r"\\[ ~0]", " ", text)
    text = re.sub(r"\\[-.]", lambda match: match[0][1], text)
    text = re.sub(r"\\[eE]", r"\\", text)
    return re.sub(r"\\[&|^/,%:!ztud{}p]|\\$", "", text)


def arguments(rest, glued):
    """The words of a macro's line, quotes removed; of BR, IR and their like put together as they are printed."""
    words = [quoted or plain for quoted, plain in re.findall(r'"((?:[^"]|"")*)"|(\S+)', rest)]
    return ("" if glued else " ").join(words)


def plain_text(page):
    """Paragraphs separated by empty lines, each on one line; empty for a page that only points to another."""
    if re.match(r"\s*\.so ", page):
        return ""
    paragraphs, current, skipping = [], [], False

    def end():
        if current:
            paragraphs.append(" ".join(" ".join(current).split()))
            current.clear()

    for line in page.splitlines():
        if skipping:
            skipping = not line.startswith("..")
            continue
        if line[:1] not in (".", "'"):
            if line.strip():
                current.append(unescape(line))
            else:
                end()
            continue
        name, _, rest = line[1:].strip().partition(" ")
        if name in ("de", "ig", "am"):
            skipping = True
        elif name in HEADINGS:
            end()
            paragraphs.append(unescape(arguments(rest, False)))
        elif name in SILENT or not name[:1].isalpha():
            end()
        else:
            current.append(unescape(arguments(rest, name in {"BR", "RB", "IR", "RI", "BI", "IB"})))
    end()
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
