import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

/** For each line "reader TAB writer": whether Avro's own checker says that the reader can read what the writer wrote. */
public class AvroCompatibility {
  public static void main(String[] args) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] schemas = line.split("\t");
      Schema reader = new Schema.Parser().parse(schemas[0]);
      Schema writer = new Schema.Parser().parse(schemas[1]);
      System.out.println(
          SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getType()
              == SchemaCompatibility.SchemaCompatibilityType.COMPATIBLE);
    }
  }
}
