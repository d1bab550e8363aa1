"""The words of the synthetic patents: parts, steps and trades in English, German and French."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("en", "de", "fr")


@dataclass(frozen=True)
class Noun:
    """A noun with its plural; ``gender`` is m, f or n (empty in English)."""

    one: str
    many: str
    gender: str = ""


@dataclass(frozen=True)
class Term:
    """A part's name in three languages, with other English names that a text may use for it."""

    key: str
    en: Noun
    de: Noun
    fr: Noun
    alternates: tuple[str, ...] = ()

    def noun(self, language: str) -> Noun:
        """The noun in one of LANGUAGES."""
        return {"en": self.en, "de": self.de, "fr": self.fr}[language]


@dataclass(frozen=True)
class Step:
    """A step of a method: what stands in its box, its name, and its sentence after 'In step S10, '."""

    key: str
    box: dict[str, str]
    name: dict[str, str]
    clause: dict[str, str]


# key | English[/plural] | German gender, plural | French gender, plural | English alternates
_PARTS = """
abutment|abutment|Widerlager n Widerlager|butée f butées|
actuating_element|actuating element|Betätigungselement n Betätigungselemente|élément d'actionnement m éléments d'actionnement|
actuator|actuator|Aktor m Aktoren|actionneur m actionneurs|
adjusting_device|adjusting device|Verstellvorrichtung f Verstellvorrichtungen|dispositif de réglage m dispositifs de réglage|
amplifier|amplifier|Verstärker m Verstärker|amplificateur m amplificateurs|
antenna|antenna|Antenne f Antennen|antenne f antennes|
applicator|applicator|Applikator m Applikatoren|applicateur m applicateurs|
arm|arm|Arm m Arme|bras m bras|
axle|axle|Achse f Achsen|essieu m essieux|
base|base|Sockel m Sockel|socle m socles|
base_plate|base plate|Grundplatte f Grundplatten|plaque de base f plaques de base|
battery|battery/batteries|Batterie f Batterien|batterie f batteries|energy store
bearing|bearing|Lager n Lager|palier m paliers|
body|body/bodies|Körper m Körper|corps m corps|
bolt|bolt|Bolzen m Bolzen|boulon m boulons|
bottom_part|bottom part|Unterteil n Unterteile|partie inférieure f parties inférieures|
bracket|bracket|Halterung f Halterungen|support m supports|
brush|brush/brushes|Bürste f Bürsten|brosse f brosses|
bumper|bumper|Stoßfänger m Stoßfänger|pare-chocs m pare-chocs|
bus|data bus|Datenbus m Datenbusse|bus de données m bus de données|
cabinet|cabinet|Schrank m Schränke|armoire f armoires|
cam|cam|Nocken m Nocken|came f cames|
camera|camera|Kamera f Kameras|caméra f caméras|image sensor
cap|cap|Kappe f Kappen|capuchon m capuchons|
capacitor|capacitor|Kondensator m Kondensatoren|condensateur m condensateurs|
carriage|carriage|Schlitten m Schlitten|chariot m chariots|
carrier_plate|carrier plate|Trägerplatte f Trägerplatten|plaque de support f plaques de support|
casing|casing|Gehäuse n Gehäuse|carter m carters|housing
caster|caster|Laufrolle f Laufrollen|roulette f roulettes|
charging_station|charging station|Ladestation f Ladestationen|station de recharge f stations de recharge|
chassis|chassis/chassis|Fahrgestell n Fahrgestelle|châssis m châssis|
clamping_device|clamping device|Spannvorrichtung f Spannvorrichtungen|dispositif de serrage m dispositifs de serrage|
cleaning_device|cleaning device|Reinigungsgerät n Reinigungsgeräte|appareil de nettoyage m appareils de nettoyage|
closure|closure|Verschluss m Verschlüsse|fermeture f fermetures|
coil|coil|Spule f Spulen|bobine f bobines|inductor
collar|collar|Kragen m Kragen|collet m collets|
column|column|Säule f Säulen|colonne f colonnes|upright
communication_network|communication network|Kommunikationsnetz n Kommunikationsnetze|réseau de communication m réseaux de communication|
communication_unit|communication unit|Kommunikationseinheit f Kommunikationseinheiten|unité de communication f unités de communication|
comparator|comparator|Komparator m Komparatoren|comparateur m comparateurs|
compressor|compressor|Verdichter m Verdichter|compresseur m compresseurs|
container|container|Behälter m Behälter|récipient m récipients|vessel
container_assembly|container assembly/container assemblies|Behälteranordnung f Behälteranordnungen|ensemble de récipient m ensembles de récipient|
control_cabinet|control cabinet|Schaltschrank m Schaltschränke|armoire de commande f armoires de commande|
control_panel|control panel|Bedienfeld n Bedienfelder|panneau de commande m panneaux de commande|
control_system|control system|Steuersystem n Steuersysteme|système de commande m systèmes de commande|
control_unit|control unit|Steuereinheit f Steuereinheiten|unité de commande f unités de commande|controller
converter|converter|Wandler m Wandler|convertisseur m convertisseurs|
coupling|coupling|Kupplung f Kupplungen|accouplement m accouplements|
cover|cover|Deckel m Deckel|couvercle m couvercles|
crossbeam|crossbeam|Querträger m Querträger|traverse f traverses|cross member
cylinder|cylinder|Zylinder m Zylinder|cylindre m cylindres|
data_system|data processing system|Datenverarbeitungssystem n Datenverarbeitungssysteme|système de traitement de données m systèmes de traitement de données|
database|database|Datenbank f Datenbanken|base de données f bases de données|
diode|diode|Diode f Dioden|diode f diodes|
dispenser|dispenser|Spender m Spender|distributeur m distributeurs|
display|display|Anzeige f Anzeigen|afficheur m afficheurs|screen
display_unit|display unit|Anzeigeeinheit f Anzeigeeinheiten|unité d'affichage f unités d'affichage|
door|door|Tür f Türen|porte f portes|
drilling_device|drilling device|Bohrvorrichtung f Bohrvorrichtungen|dispositif de perçage m dispositifs de perçage|
drive_unit|drive unit|Antriebseinheit f Antriebseinheiten|unité d'entraînement f unités d'entraînement|
driver|driver circuit|Treiberschaltung f Treiberschaltungen|circuit de commande m circuits de commande|
dryer|dryer|Trockner m Trockner|séchoir m séchoirs|
end_cap|end cap|Endkappe f Endkappen|embout m embouts|
evaluation_unit|evaluation unit|Auswerteeinheit f Auswerteeinheiten|unité d'évaluation f unités d'évaluation|
fan|fan|Lüfter m Lüfter|ventilateur m ventilateurs|blower
filler_neck|filler neck|Einfüllstutzen m Einfüllstutzen|goulot de remplissage m goulots de remplissage|
filter|filter|Filter m Filter|filtre m filtres|
filter_device|filter device|Filtervorrichtung f Filtervorrichtungen|dispositif de filtration m dispositifs de filtration|
filter_element|filter element|Filterelement n Filterelemente|élément filtrant m éléments filtrants|
flange|flange|Flansch m Flansche|bride f brides|
flap|flap|Klappe f Klappen|volet m volets|
foot|foot/feet|Fuß m Füße|pied m pieds|
frame|frame|Rahmen m Rahmen|cadre m cadres|
front_panel|front panel|Frontplatte f Frontplatten|panneau avant m panneaux avant|
gateway|gateway|Netzübergang m Netzübergänge|passerelle f passerelles|
gear|gear|Zahnrad n Zahnräder|engrenage m engrenages|
grip|grip|Griff m Griffe|poignée f poignées|
gripper|gripper|Greifer m Greifer|pince f pinces|
guide_rod|guide rod|Führungsstange f Führungsstangen|tige de guidage f tiges de guidage|
handle|handle|Handgriff m Handgriffe|manche m manches|
handwheel|handwheel|Handrad n Handräder|volant m volants|
heat_exchanger|heat exchanger|Wärmetauscher m Wärmetauscher|échangeur de chaleur m échangeurs de chaleur|
heating_element|heating element|Heizelement n Heizelemente|élément chauffant m éléments chauffants|
hinge|hinge|Scharnier n Scharniere|charnière f charnières|
holding_ring|holding ring|Haltering m Halteringe|bague de maintien f bagues de maintien|
hood|hood|Haube f Hauben|capot m capots|
housing|housing|Gehäuse n Gehäuse|boîtier m boîtiers|
injection_device|injection device|Injektionsvorrichtung f Injektionsvorrichtungen|dispositif d'injection m dispositifs d'injection|
inlet|inlet|Einlass m Einlässe|entrée f entrées|
input_unit|input unit|Eingabeeinheit f Eingabeeinheiten|unité de saisie f unités de saisie|
interface|interface|Schnittstelle f Schnittstellen|interface f interfaces|
inverter|inverter|Wechselrichter m Wechselrichter|onduleur m onduleurs|
knob|knob|Drehknopf m Drehknöpfe|bouton rotatif m boutons rotatifs|
lamp|lamp|Leuchte f Leuchten|lampe f lampes|
lens|lens/lenses|Linse f Linsen|lentille f lentilles|
lever|lever|Hebel m Hebel|levier m leviers|
lid|lid|Abdeckung f Abdeckungen|abattant m abattants|
lifting_device|lifting device|Hebevorrichtung f Hebevorrichtungen|dispositif de levage m dispositifs de levage|
locking_bolt|locking bolt|Verriegelungsbolzen m Verriegelungsbolzen|pêne m pênes|
locking_mechanism|locking mechanism|Verriegelungsmechanismus m Verriegelungsmechanismen|mécanisme de verrouillage m mécanismes de verrouillage|
measuring_circuit|measuring circuit|Messschaltung f Messschaltungen|circuit de mesure m circuits de mesure|
memory|memory/memories|Speicher m Speicher|mémoire f mémoires|storage unit
monitoring_system|monitoring system|Überwachungssystem n Überwachungssysteme|système de surveillance m systèmes de surveillance|
motor|motor|Motor m Motoren|moteur m moteurs|
nozzle|nozzle|Düse f Düsen|buse f buses|
operating_unit|operating unit|Bedieneinheit f Bedieneinheiten|unité de service f unités de service|
outlet|outlet|Auslass m Auslässe|sortie f sorties|
oven|oven|Ofen m Öfen|four m fours|
pawl|pawl|Klinke f Klinken|cliquet m cliquets|
pillar|pillar|Pfeiler m Pfeiler|pilier m piliers|
pin|pin|Stift m Stifte|goupille f goupilles|
piston|piston|Kolben m Kolben|piston m pistons|
piston_rod|piston rod|Kolbenstange f Kolbenstangen|tige de piston f tiges de piston|
plunger|plunger|Stößel m Stößel|poussoir m poussoirs|
power_supply|power supply/power supplies|Stromversorgung f Stromversorgungen|alimentation électrique f alimentations électriques|
press|press/presses|Presse f Pressen|presse f presses|
printing_device|printing device|Druckvorrichtung f Druckvorrichtungen|dispositif d'impression m dispositifs d'impression|
probe|probe|Sonde f Sonden|sonde f sondes|
processor|processor|Prozessor m Prozessoren|processeur m processeurs|
pulley|pulley|Riemenscheibe f Riemenscheiben|poulie f poulies|
pump|pump|Pumpe f Pumpen|pompe f pompes|
punch|punch/punches|Stempel m Stempel|poinçon m poinçons|
push_bar|push bar|Schubbügel m Schubbügel|barre de poussée f barres de poussée|
push_button|push button|Drucktaster m Drucktaster|bouton-poussoir m boutons-poussoirs|
receiver|receiver|Empfänger m Empfänger|récepteur m récepteurs|
resistor|resistor|Widerstand m Widerstände|résistance f résistances|
rib|rib|Rippe f Rippen|nervure f nervures|
ring|ring|Ring m Ringe|anneau m anneaux|
robot|robot|Roboter m Roboter|robot m robots|
roller|roller|Rolle f Rollen|galet m galets|
rotary_switch|rotary switch/rotary switches|Drehschalter m Drehschalter|commutateur rotatif m commutateurs rotatifs|
rotor|rotor|Rotor m Rotoren|rotor m rotors|
screw|screw|Schraube f Schrauben|vis f vis|
seal|seal|Dichtung f Dichtungen|joint m joints|
sensor|sensor|Sensor m Sensoren|capteur m capteurs|detector
sensor_holder|sensor holder|Sensorhalter m Sensorhalter|porte-capteur m porte-capteurs|
sensor_strip|sensor strip|Sensorleiste f Sensorleisten|barrette de détection f barrettes de détection|
server|server|Server m Server|serveur m serveurs|
shaft|shaft|Welle f Wellen|arbre m arbres|
shelf|shelf/shelves|Einlegeboden m Einlegeböden|étagère f étagères|
shoulder|shoulder|Schulter f Schultern|épaulement m épaulements|
signal_processor|signal processing unit|Signalverarbeitungseinheit f Signalverarbeitungseinheiten|unité de traitement de signal f unités de traitement de signal|
sleeve|sleeve|Hülse f Hülsen|manchon m manchons|
slide|slide|Schieber m Schieber|coulisseau m coulisseaux|
spacer|spacer|Abstandshalter m Abstandshalter|entretoise f entretoises|
spindle|spindle|Spindel f Spindeln|broche f broches|
spring|spring|Feder f Federn|ressort m ressorts|
stop|stop|Anschlag m Anschläge|arrêt m arrêts|
strut|strut|Strebe f Streben|jambe de force f jambes de force|
substrate|substrate|Substrat n Substrate|substrat m substrats|
support|support|Stütze f Stützen|appui m appuis|
switch|switch/switches|Schalter m Schalter|interrupteur m interrupteurs|
table|table|Tisch m Tische|table f tables|
tank|tank|Tank m Tanks|réservoir m réservoirs|
terminal|terminal device|Endgerät n Endgeräte|terminal m terminaux|user device
test_stand|test stand|Prüfstand m Prüfstände|banc d'essai m bancs d'essai|
timer|timer|Zeitgeber m Zeitgeber|minuterie f minuteries|
tip|tip|Spitze f Spitzen|pointe f pointes|
tool|tool|Werkzeug n Werkzeuge|outil m outils|
tool_holder|tool holder|Werkzeughalter m Werkzeughalter|porte-outil m porte-outils|
toothed_wheel|toothed wheel|Stirnrad n Stirnräder|roue dentée f roues dentées|
top_plate|top plate|Deckplatte f Deckplatten|plaque supérieure f plaques supérieures|
transceiver|transceiver|Sendeempfänger m Sendeempfänger|émetteur-récepteur m émetteurs-récepteurs|
transformer|transformer|Transformator m Transformatoren|transformateur m transformateurs|
transistor|transistor|Transistor m Transistoren|transistor m transistors|
transmission|transmission|Getriebe n Getriebe|transmission f transmissions|
transport_cart|transport cart|Transportwagen m Transportwagen|chariot de transport m chariots de transport|
tray|tray|Auflage f Auflagen|plateau m plateaux|
trolley|trolley|Rollwagen m Rollwagen|desserte f dessertes|
upper_part|upper part|Oberteil n Oberteile|partie supérieure f parties supérieures|
valve|valve|Ventil n Ventile|vanne f vannes|
valve_body|valve body/valve bodies|Ventilkörper m Ventilkörper|corps de vanne m corps de vanne|
vehicle|vehicle|Fahrzeug n Fahrzeuge|véhicule m véhicules|
voltage_regulator|voltage regulator|Spannungsregler m Spannungsregler|régulateur de tension m régulateurs de tension|
wheel|wheel|Rad n Räder|roue f roues|
workpiece|workpiece|Werkstück n Werkstücke|pièce f pièces|
workpiece_carrier|workpiece carrier|Werkstückträger m Werkstückträger|porte-pièce m porte-pièces|
yoke|yoke|Joch n Joche|étrier m étriers|
curve|curve|Kurve f Kurven|courbe f courbes|
threshold|threshold|Schwellenwert m Schwellenwerte|seuil m seuils|
"""

# key | box en; name en; clause en | box de; … | box fr; …
_STEPS = """
start_up|initialize system;initializing the system;the system is initialized|System initialisieren;Initialisieren des Systems;wird das System initialisiert|initialiser le système;initialisation du système;le système est initialisé
read|read measured value;reading the measured value;a measured value is read|Messwert einlesen;Einlesen des Messwerts;wird ein Messwert eingelesen|lire la valeur mesurée;lecture de la valeur mesurée;une valeur mesurée est lue
receive|receive request;receiving the request;a request is received|Anfrage empfangen;Empfangen der Anfrage;wird eine Anfrage empfangen|recevoir la requête;réception de la requête;une requête est reçue
filter|filter signal;filtering the signal;the signal is filtered|Signal filtern;Filtern des Signals;wird das Signal gefiltert|filtrer le signal;filtrage du signal;le signal est filtré
compute|compute control value;computing the control value;a control value is computed|Stellwert berechnen;Berechnen des Stellwerts;wird ein Stellwert berechnet|calculer la valeur de commande;calcul de la valeur de commande;une valeur de commande est calculée
store|store data;storing the data;the data are stored|Daten speichern;Speichern der Daten;werden die Daten gespeichert|mémoriser les données;mémorisation des données;les données sont mémorisées
send|transmit result;transmitting the result;the result is transmitted|Ergebnis übertragen;Übertragen des Ergebnisses;wird das Ergebnis übertragen|transmettre le résultat;transmission du résultat;le résultat est transmis
output|output warning;outputting the warning;a warning is output|Warnung ausgeben;Ausgeben der Warnung;wird eine Warnung ausgegeben|émettre un avertissement;émission de l'avertissement;un avertissement est émis
switch_on|switch on drive;switching on the drive;the drive is switched on|Antrieb einschalten;Einschalten des Antriebs;wird der Antrieb eingeschaltet|activer l'entraînement;activation de l'entraînement;l'entraînement est activé
close|close valve;closing the valve;the valve is closed|Ventil schließen;Schließen des Ventils;wird das Ventil geschlossen|fermer la vanne;fermeture de la vanne;la vanne est fermée
adjust|adjust parameter;adjusting the parameter;the parameter is adjusted|Parameter anpassen;Anpassen des Parameters;wird der Parameter angepasst|ajuster le paramètre;ajustement du paramètre;le paramètre est ajusté
compare|compare with reference;comparing with the reference;a comparison with a reference is made|mit Referenz vergleichen;Vergleichen mit der Referenz;wird ein Vergleich mit einer Referenz durchgeführt|comparer à la référence;comparaison à la référence;une comparaison avec une référence est effectuée
detect|detect object;detecting the object;an object is detected|Objekt erkennen;Erkennen des Objekts;wird ein Objekt erkannt|détecter l'objet;détection de l'objet;un objet est détecté
encrypt|encrypt message;encrypting the message;the message is encrypted|Nachricht verschlüsseln;Verschlüsseln der Nachricht;wird die Nachricht verschlüsselt|chiffrer le message;chiffrement du message;le message est chiffré
"""
_DECISIONS = """
above|value above limit?;checking the limit;it is checked whether the value exceeds the limit|Wert über Grenze?;Prüfen der Grenze;wird geprüft, ob der Wert die Grenze überschreitet|valeur au-dessus du seuil?;contrôle du seuil;il est vérifié si la valeur dépasse le seuil
valid|data valid?;checking the data;it is checked whether the data are valid|Daten gültig?;Prüfen der Daten;wird geprüft, ob die Daten gültig sind|données valides?;contrôle des données;il est vérifié si les données sont valides
done|end reached?;checking the end;it is checked whether the end has been reached|Ende erreicht?;Prüfen des Endes;wird geprüft, ob das Ende erreicht ist|fin atteinte?;contrôle de la fin;il est vérifié si la fin est atteinte
door|door closed?;checking the door;it is checked whether the door is closed|Tür geschlossen?;Prüfen der Tür;wird geprüft, ob die Tür geschlossen ist|porte fermée?;contrôle de la porte;il est vérifié si la porte est fermée
"""


def _noun(text: str) -> Noun:
    """``Welle f Wellen``: the gender stands between singular and plural."""
    words = text.split()
    at = next(i for i, word in enumerate(words) if word in ("m", "f", "n") and i > 0)
    return Noun(" ".join(words[:at]), " ".join(words[at + 1 :]), words[at])


def _english(text: str) -> Noun:
    one, _, many = text.partition("/")
    return Noun(one, many or one + "s")


def _terms() -> dict[str, Term]:
    terms = {}
    for row in _PARTS.strip().splitlines():
        key, en, de, fr, other = row.split("|")
        alternates = tuple(filter(None, other.split(",")))
        terms[key] = Term(key, _english(en), _noun(de), _noun(fr), alternates)
    return terms


def _steps(table: str) -> tuple[Step, ...]:
    steps = []
    for row in table.strip().splitlines():
        key, *cells = row.split("|")
        parts = [cell.split(";") for cell in cells]
        columns = [dict(zip(LANGUAGES, column, strict=True)) for column in zip(*parts, strict=True)]
        steps.append(Step(key, *columns))
    return tuple(steps)


TERMS = _terms()
STEPS = _steps(_STEPS)
DECISIONS = _steps(_DECISIONS)

#: What a system or a circuit consists of, by kind.
SYSTEMS = ("control_system", "monitoring_system", "data_system")
SYSTEM_PARTS = (
    "control_unit", "memory", "processor", "sensor", "camera", "display", "input_unit", "communication_unit",
    "interface", "evaluation_unit", "database", "server", "terminal", "battery", "power_supply", "drive_unit",
    "signal_processor", "transceiver", "filter", "timer", "gateway", "receiver", "bus",
)  # fmt: skip
CIRCUITS = ("measuring_circuit", "driver", "converter", "inverter", "voltage_regulator")
CIRCUIT_PARTS = {
    "resistor": "R", "capacitor": "C", "diode": "D", "coil": "L", "transistor": "T", "switch": "SW",
}  # fmt: skip

#: Quantity, unit and values of the axes of a graph.
QUANTITIES = (
    ({"en": "Time", "de": "Zeit", "fr": "Temps"}, "t", "s"),
    ({"en": "Temperature", "de": "Temperatur", "fr": "Température"}, "T", "°C"),
    ({"en": "Pressure", "de": "Druck", "fr": "Pression"}, "p", "bar"),
    ({"en": "Force", "de": "Kraft", "fr": "Force"}, "F", "N"),
    ({"en": "Voltage", "de": "Spannung", "fr": "Tension"}, "U", "V"),
    ({"en": "Current", "de": "Strom", "fr": "Courant"}, "I", "A"),
    ({"en": "Flow rate", "de": "Durchfluss", "fr": "Débit"}, "Q", "l/min"),
    ({"en": "Speed", "de": "Drehzahl", "fr": "Vitesse"}, "n", "min-1"),
    ({"en": "Efficiency", "de": "Wirkungsgrad", "fr": "Rendement"}, "E", "%"),
)
