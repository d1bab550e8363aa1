"""What synthetic patents say: sentence templates in three languages (slots: see grammar).

The three lists of one kind say the same at the same place, so that a choice by number is a choice in any language.
"""

from __future__ import annotations

#: a is a part, b the part it belongs to, c a third one shown in the same figure.
RELATIONS = {
    "en": (
        "{the:a} {is/are:a} arranged on {the:b}.",
        "{the:a} {is/are:a} connected to {the:b}.",
        "{the:a} {is/are:a} held on {the:b}, while {the:c} {remains/remain:c} freely accessible.",
        "{the:b} {carries/carry:b} {the:a}, which in turn {interacts/interact:a} with {the:c}.",
        "{the:a} {bears/bear:a} against {the:b} and {can/can:a} be released from it.",
        "In the embodiment shown, {the:a} {is/are:a} spaced apart from {the:c}.",
        "{the:a} {is/are:a} movable relative to {the:b}, for example by approx. {mm} mm.",
        "Preferably, {the:a} {is/are:a} made of a metal, e.g. aluminium, and {the:b} of plastic.",
        "{the:a} {has/have:a} a width of {mm} mm to {more} mm.",
        "If {the:a} {is/are:a} removed, {the:c} can be replaced without tools.",
        "A force acting on {the:a} is transmitted to {the:b}.",
        "It can be seen that {the:a} {lies/lie:a} next to {the:c}.",
    ),
    "de": (
        "{der:a} {ist/sind:a} an {dem:b} angeordnet.",
        "{der:a} {ist/sind:a} mit {dem:b} verbunden.",
        "{der:a} {ist/sind:a} an {dem:b} gehalten, während {der:c} frei zugänglich {bleibt/bleiben:c}.",
        "{der:b} {trägt/tragen:b} {den:a}, und {der:c} {wirkt/wirken:c} mit {dem:b} zusammen.",
        "{der:a} {liegt/liegen:a} an {dem:b} an und {kann/können:a} davon gelöst werden.",
        "In der gezeigten Ausführungsform {ist/sind:a} {der:a} von {dem:c} beabstandet.",
        "{der:a} {ist/sind:a} gegenüber {dem:b} beweglich, z. B. um ca. {mm} mm.",
        "Vorzugsweise {besteht/bestehen:a} {der:a} aus einem Metall, z. B. Aluminium, und {der:b} aus Kunststoff.",
        "{der:a} {weist/weisen:a} eine Breite von {mm} mm bis {more} mm auf.",
        "{wird/werden:a} {der:a} entfernt, so {kann/können:c} {der:c} werkzeuglos ausgetauscht werden.",
        "Eine auf {den:a} wirkende Kraft wird auf {den:b} übertragen.",
        "Man erkennt, dass {der:a} neben {dem:c} {liegt/liegen:a}.",
    ),
    "fr": (
        "{le:a} {se trouve/se trouvent:a} près {du:b}.",
        "{le:a} {est/sont:a} en liaison avec {le:b}.",
        "{le:a} {se trouve/se trouvent:a} contre {le:b}, tandis que {le:c} {reste/restent:c} libre d'accès.",
        "{le:b} {porte/portent:b} {le:a}, et {le:c} {coopère/coopèrent:c} avec {le:b}.",
        "{le:a} {prend/prennent:a} appui sur {le:b} et {peut/peuvent:a} s'en détacher.",
        "Dans le mode de réalisation représenté, {le:a} {se trouve/se trouvent:a} à distance {du:c}.",
        "{le:a} {est/sont:a} mobile{/s:a} par rapport {au:b}, par exemple d'environ {mm} mm.",
        "De préférence, {le:a} {est/sont:a} en métal, p. ex. en aluminium, et {le:b} en matière plastique.",
        "{le:a} {présente/présentent:a} une largeur de {mm} mm à {more} mm.",
        "Sans {le:a}, il est possible de remplacer {le:c} sans outil.",
        "Une force agissant sur {le:a} est transmise {au:b}.",
        "On voit que {le:a} {se trouve/se trouvent:a} à côté {du:c}.",
    ),
}

#: a sends to b; of systems.
SIGNALS = {
    "en": (
        "{the:a} {transmits/transmit:a} data to {the:b}.",
        "{the:b} {receives/receive:b} a signal from {the:a} and {forwards/forward:b} it to {the:c}.",
        "{the:a} {is/are:a} connected to {the:b} via a line.",
        "When a value exceeds {mm} percent, {the:a} {informs/inform:a} {the:b}.",
        "{the:a} {can/can:a} also be integrated into {the:b}.",
    ),
    "de": (
        "{der:a} {überträgt/übertragen:a} Daten an {den:b}.",
        "{der:b} {empfängt/empfangen:b} ein Signal von {dem:a} und {leitet/leiten:b} es an {den:c} weiter.",
        "{der:a} {ist/sind:a} über eine Leitung mit {dem:b} verbunden.",
        "Überschreitet ein Wert {mm} Prozent, so {informiert/informieren:a} {der:a} {den:b}.",
        "{der:a} {kann/können:a} auch in {den:b} integriert sein.",
    ),
    "fr": (
        "{le:a} {transmet/transmettent:a} des données {au:b}.",
        "{le:b} {reçoit/reçoivent:b} un signal {du:a} et {coopère/coopèrent:b} avec {le:c}.",
        "{le:a} {communique/communiquent:a} avec {le:b} par une ligne.",
        "Lorsqu'une valeur dépasse {mm} pour cent, {le:a} {avertit/avertissent:a} {le:b}.",
        "{le:a} {peut/peuvent:a} aussi faire partie {du:b}.",
    ),
}

#: How a figure's description begins; w is the whole, {fig} the reference to the figure.
OPENINGS = {
    "en": (
        "{fig} shows {a:w}.",
        "As shown in {fig}, {the:w} comprises {parts}.",
        "Referring to {fig}, {the:w} includes {parts}.",
        "In {fig}, {the:w} can be seen in more detail.",
    ),
    "de": (
        "{fig} zeigt {einen:w}.",
        "Wie in {fig} gezeigt, umfasst {der:w} {parts}.",
        "Gemäß {fig} weist {der:w} {parts} auf.",
        "In {fig} ist {der:w} näher dargestellt.",
    ),
    "fr": (
        "{fig} représente {un:w}.",
        "Comme représenté sur {fig}, {le:w} comprend {parts}.",
        "En référence à {fig}, {le:w} comporte {parts}.",
        "Sur {fig}, {le:w} est visible plus en détail.",
    ),
}
PARTS_OF = {"en": "{the:b} {comprises/comprise:b} {parts}.", "de": "{der:b} {umfasst/umfassen:b} {parts}.",
            "fr": "{le:b} {comprend/comprennent:b} {parts}."}  # fmt: skip
#: The article in which a listed part stands.
INDEFINITE = {"en": "a", "de": "einen", "fr": "un"}

#: Of a figure that the text names besides the one it describes.
CROSS = {
    "en": ("{the:a} {is/are:a} also shown in {fig}.", "Details of {the:a} can also be found elsewhere (cf. {fig})."),
    "de": ("{der:a} {ist/sind:a} auch in {fig} gezeigt.", "{der:a} {ist/sind:a} näher erläutert (vgl. {fig})."),
    "fr": (
        "{le:a} {est/sont:a} également visible{/s:a} sur {fig}.",
        "{le:a} {est/sont:a} aussi visible{/s:a} ailleurs (cf. {fig}).",
    ),
}

STEP = {"en": "In step {sign}, {clause}.", "de": "In Schritt {sign} {clause}.", "fr": "À l'étape {sign}, {clause}."}
DECIDED = {
    "en": "If this is not the case, the method returns to step {sign}.",
    "de": "Ist dies nicht der Fall, kehrt das Verfahren zu Schritt {sign} zurück.",
    "fr": "Si ce n'est pas le cas, le procédé revient à l'étape {sign}.",
}
FLOW_OPENING = {
    "en": "{fig} is a flow chart of a method for operating {the:w}.",
    "de": "{fig} ist ein Ablaufdiagramm eines Verfahrens zum Betrieb von {einem:w}.",
    "fr": "{fig} est un organigramme illustrant le fonctionnement {du:w}.",
}
GRAPH = {
    "en": ("{fig} shows {y} as a function of {x}.", "{the:a} {lies/lie:a} below {the:b} throughout."),
    "de": ("{fig} zeigt {y} in Abhängigkeit von {x}.", "{der:a} {liegt/liegen:a} durchweg unter {dem:b}."),
    "fr": ("{fig} représente {y} en fonction de {x}.", "{le:a} {se situe/se situent:a} toujours en dessous {du:b}."),
}

OF_WHOLE = {"en": "{the:a} {belongs/belong:a} to {the:b}.", "de": "{der:a} {gehört/gehören:a} zu {dem:b}.",
            "fr": "{le:a} {fait/font:a} partie {du:b}."}  # fmt: skip

#: The brief description by kind of figure; w is the whole, in a form without signs.
CAPTIONS = {
    "perspective": ("a perspective view of {a:w}", "{einen:w} in einer perspektivischen Ansicht",
                    "une vue en perspective {d'un:w}"),
    "exploded": ("an exploded view of {the:w}", "{den:w} in einer Explosionsdarstellung", "une vue éclatée {du:w}"),
    "section": ("a cross-sectional view of {the:w}", "{den:w} in einer Schnittansicht", "une vue en coupe {du:w}"),
    "detail": ("an enlarged detail of {the:w}", "{den:w} in einem vergrößerten Ausschnitt",
               "un détail agrandi {du:w}"),
    "front": ("a front view of {the:w}", "{den:w} in einer Vorderansicht", "une vue de face {du:w}"),
    "side": ("a side view of {the:w}", "{den:w} in einer Seitenansicht", "une vue de côté {du:w}"),
    "top": ("a top view of {the:w}", "{den:w} in einer Draufsicht", "une vue de dessus {du:w}"),
    "block": ("a schematic block diagram of {the:w}", "{den:w} als schematisches Blockschaltbild",
              "un schéma fonctionnel {du:w}"),
    "flow": ("a flow chart of a method for operating {the:w}",
             "ein Ablaufdiagramm eines Verfahrens zum Betrieb von {einem:w}",
             "un organigramme illustrant le fonctionnement {du:w}"),
    "sequence": ("a sequence of messages within {the:w}", "einen Nachrichtenaustausch in {dem:w}",
                 "un échange de messages au sein {du:w}"),
    "graph": ("a diagram with measured values of {the:w}", "ein Diagramm mit Messwerten zu {dem:w}",
              "un diagramme de valeurs mesurées {du:w}"),
    "circuit": ("a circuit diagram of {the:w}", "{den:w} als Schaltplan", "un schéma de circuit {du:w}"),
}  # fmt: skip
SHOWS = {
    "en": ("{fig} shows {caption}", "{fig} is {caption}"),
    "de": ("{fig} zeigt {caption}",),
    "fr": ("{fig} représente {caption}",),
}

HEADINGS = {
    "en": ("Technical Field", "Background", "Summary", "Brief Description of the Drawings", "Detailed Description",
           "List of reference signs"),
    "de": ("Technisches Gebiet", "Stand der Technik", "Darstellung der Erfindung", "Kurze Beschreibung der Zeichnungen",
           "Beschreibung der Ausführungsformen", "Bezugszeichenliste"),
    "fr": ("Domaine technique", "État de la technique", "Exposé de l'invention", "Brève description des dessins",
           "Description détaillée", "Liste des références"),
}  # fmt: skip
FIELD = {
    "en": "The invention relates to {a:w}.",
    "de": "Die Erfindung betrifft {einen:w}.",
    "fr": "L'invention concerne {un:w}.",
}

#: Background and close, full of numbers that are no reference signs; {year}, {patent}, {mm}, {more}, {n} are filled in.
BACKGROUND = {
    "en": (
        "Such devices have been known since {year}, e.g. from {patent}.",
        "U.S. Pat. No. {us} describes a device whose components fail after approx. {more} hours.",
        "According to Fig. 3 of that document, a force of {more} N is required.",
        "A temperature between {n} °C and {more} °C must be maintained in accordance with DIN {din}.",
        "In about {n} % of all cases the device has to be replaced after {n} years.",
        "Smith et al. (Journal of Devices {n}, {year}, pp. {more}-{most}) propose a different approach.",
        "However, these solutions are expensive, heavy and difficult to maintain.",
        "There is therefore a need for a device that is simpler and more reliable.",
    ),
    "de": (
        "Derartige Vorrichtungen sind seit {year} bekannt, z. B. aus {patent}.",
        "Die US {us} beschreibt eine Vorrichtung, deren Bauteile nach ca. {more} Stunden ausfallen.",
        "Gemäß Fig. 3 jener Druckschrift ist eine Kraft von {more} N erforderlich.",
        "Nach DIN {din} ist eine Temperatur zwischen {n} °C und {more} °C einzuhalten.",
        "In etwa {n} % aller Fälle muss die Vorrichtung nach {n} Jahren ersetzt werden.",
        "Schmidt et al. (Zeitschrift für Geräte {n}, {year}, S. {more}-{most}) schlagen einen anderen Weg vor.",
        "Diese Lösungen sind jedoch teuer, schwer und aufwendig zu warten.",
        "Es besteht daher Bedarf an einer einfacheren und zuverlässigeren Vorrichtung.",
    ),
    "fr": (
        "De tels dispositifs sont connus depuis {year}, p. ex. du document {patent}.",
        "Le brevet US {us} décrit un dispositif dont les composants tombent en panne après environ {more} heures.",
        "Selon la figure 3 de ce document, une force de {more} N est nécessaire.",
        "Une température comprise entre {n} °C et {more} °C doit être maintenue selon la norme DIN {din}.",
        "Dans environ {n} % des cas, le dispositif doit être remplacé après {n} ans.",
        "Martin et al. (Revue des dispositifs {n}, {year}, pp. {more}-{most}) proposent une autre approche.",
        "Ces solutions sont toutefois coûteuses, lourdes et difficiles à entretenir.",
        "Il existe donc un besoin d'un dispositif plus simple et plus fiable.",
    ),
}
SUMMARY = {
    "en": ("It is an object of the invention to provide an improved {-:w}.",
           "This object is achieved by the subject-matter of claim 1.",
           "Advantageous embodiments are set out in claims 2 to {claims}."),
    "de": ("Aufgabe der Erfindung ist es, die genannten Nachteile zu vermeiden.",
           "Diese Aufgabe wird durch den Gegenstand des Anspruchs 1 gelöst.",
           "Vorteilhafte Ausgestaltungen sind Gegenstand der Ansprüche 2 bis {claims}."),
    "fr": ("L'invention a pour but de remédier à ces inconvénients.",
           "Ce but est atteint par l'objet de la revendication 1.",
           "Des modes de réalisation avantageux font l'objet des revendications 2 à {claims}."),
}  # fmt: skip
FORMULA = {
    "en": "The pressure follows from the following formula:",
    "de": "Der Druck ergibt sich aus folgender Formel:",
    "fr": "La pression résulte de la formule suivante :",
}
CLOSE = {
    "en": "The invention is not limited to the embodiments shown; at least {n} further variants are conceivable.",
    "de": "Die Erfindung ist nicht auf die gezeigten Formen beschränkt; mindestens {n} weitere Varianten sind denkbar.",
    "fr": "L'invention n'est pas limitée aux modes représentés ; au moins {n} autres variantes sont envisageables.",
}
#: First claim, dependent claims (a: a part, b: another) and the word for the preamble.
CLAIM_FIRST = {"en": "{a:w}, comprising {parts}, wherein {the:x} {is/are:x} connected to {the:y}.",
               "de": "{ein:w}, umfassend {parts}, wobei {der:x} mit {dem:y} verbunden {ist/sind:x}.",
               "fr": "{un:w}, comprenant {parts}, dans lequel {le:x} {est/sont:x} en liaison avec {le:y}."}  # fmt: skip
CLAIM_NEXT = {
    "en": "{the:w} according to claim {claim}, wherein {the:a} {is/are:a} arranged on {the:b}.",
    "de": "{der:w} nach Anspruch {claim}, wobei {der:a} an {dem:b} angeordnet {ist/sind:a}.",
    "fr": "{le:w} selon la revendication {claim}, dans lequel {le:a} {prend/prennent:a} appui sur {le:b}.",
}
ABSTRACT = {"en": "{the:w} comprises {parts}. {the:x} {is/are:x} connected to {the:y}.",
            "de": "{der:w} umfasst {parts}. {der:x} {ist/sind:x} mit {dem:y} verbunden.",
            "fr": "{le:w} comprend {parts}. {le:x} {est/sont:x} en liaison avec {le:y}."}  # fmt: skip
TITLES = {
    "en": ("{-:w}", "{-:w} with improved arrangement", "{-:w} and method for its operation"),
    "de": ("{-:w}", "{-:w} mit verbesserter Anordnung", "{-:w} und Verfahren zum Betrieb"),
    "fr": ("{-:w}", "{-:w} à agencement amélioré", "{-:w} et procédé de fonctionnement"),
}
FIGURE_WORDS = {
    "en": ("Fig. {}", "FIG. {}", "Figure {}"),
    "de": ("Fig. {}", "Figur {}", "Fig. {}"),
    "fr": ("la figure {}", "la Fig. {}", "la figure {}"),
}
