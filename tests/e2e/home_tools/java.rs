//! Maven and Gradle. Java finds the home in the user database, not in a variable, so that the real one is named by their own.

use std::fs;

use super::Tools;

/// Debian's packages as a registry, which these tests reach while the sandbox doesn't ask for it.
const REGISTRY: &str = "file:///usr/share/maven-repo";
const CODE: &str = "src/main/java/Calc.java";

fn project(manifest: (&str, &str)) -> Tools {
    Tools::new(&[
        manifest,
        (".gitignore", "target/\nbuild/\n.gradle/\n"),
        (CODE, "public class Calc { static int add(int a, int b) { return a - b; } }\n"),
        (
            "src/test/java/CalcTest.java",
            "public class CalcTest { @org.junit.Test public void adds() { org.junit.Assert.assertEquals(3, Calc.add(1, 2)); } }\n",
        ),
    ])
}

/// The versions of plugins that Debian has.
const POM: &str = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>p</groupId><artifactId>p</artifactId><version>1</version>\
<properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target></properties>\
<dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.13.2</version><scope>test</scope></dependency></dependencies>\
<build><pluginManagement><plugins><plugin><artifactId>maven-resources-plugin</artifactId><version>3.3.0</version></plugin>\
<plugin><artifactId>maven-compiler-plugin</artifactId><version>3.10.1</version></plugin>\
<plugin><artifactId>maven-surefire-plugin</artifactId><version>2.22.3</version></plugin></plugins></pluginManagement></build></project>\n";

/// With everything downloaded through a mirror that the user's settings name, as at most companies.
fn maven_through_a_mirror(repository: &str, settings: &str) -> Tools {
    let tools = project(("pom.xml", POM));
    let mirror = format!(
        "<settings>{settings}<mirrors><mirror><id>m</id><mirrorOf>*</mirrorOf><url>{REGISTRY}</url></mirror></mirrors></settings>\n"
    );
    tools.at_home(".m2/settings.xml", &mirror);
    let flags = format!("-s \"$HOME/.m2/settings.xml\" -Dmaven.repo.local=\"$HOME/{repository}\"");
    tools.outside(&format!("mvn -q -B {flags} -Dmaven.test.failure.ignore=true test && rm -r target"));
    tools
}

#[test]
#[ignore = "needs Maven with Debian's packages for it"]
fn maven_with_its_repository_in_the_home() {
    let tools = maven_through_a_mirror(".m2/repository", "");
    tools.mends(CODE, "mvn -B -o test");
    tools.fix(CODE, &["--test", "mvn -B test"], &[]).code(0);
}

#[test]
#[ignore = "needs Maven with Debian's packages for it"]
fn maven_with_its_repository_where_settings_say() {
    let home = "<localRepository>${user.home}/../home/artifacts</localRepository>";
    let tools = maven_through_a_mirror("artifacts", home);
    let named = format!("<localRepository>{}</localRepository>", tools.home("artifacts").display());
    let settings = fs::read_to_string(tools.home(".m2/settings.xml")).unwrap().replace(home, &named);
    tools.at_home(".m2/settings.xml", &settings);
    tools.mends(CODE, "mvn -B -o test");
}

#[test]
#[ignore = "needs Maven"]
fn maven_cold() {
    project(("pom.xml", POM)).refuses("mvn -B test", &["Maven's plugins or dependencies aren't downloaded"]);
}

const BUILD: &str =
    "apply plugin: 'java'\nrepositories { maven { url 'URL' } }\ndependencies { testCompile 'junit:junit:4.13.2' }\n";

fn gradle() -> Tools {
    project(("build.gradle", &BUILD.replace("URL", REGISTRY)))
}

#[test]
#[ignore = "needs Gradle 4 with Debian's packages for it"]
fn gradle_with_its_home_and_without() {
    let tools = gradle();
    tools.commit();
    tools.fix(CODE, &[], &[]).code(0).says(&["verified"]);
    tools.outside("export GRADLE_USER_HOME=\"$HOME/.gradle\"; ! gradle -q --no-daemon test && rm -r build");
    tools.mends(CODE, "gradle --no-daemon --offline test");
}

#[test]
#[ignore = "needs Gradle 4 with Debian's packages for it"]
fn a_wrapper_whose_distribution_is_in_the_home() {
    let tools = gradle();
    // Debian's Gradle as its own wrapper would download it.
    tools.outside(
        "gradle -q --no-daemon wrapper && mkdir \"$HOME/d\" && cp -rL /usr/share/gradle \"$HOME/d/gradle-4.4.1\" && \
         (cd \"$HOME/d\" && jar cfM gradle-4.4.1-bin.zip gradle-4.4.1 || python3 -c 'import shutil; shutil.make_archive(\"gradle-4.4.1-bin\", \"zip\", \".\", \"gradle-4.4.1\")') && \
         sed -i \"s#distributionUrl=.*#distributionUrl=file\\\\:$HOME/d/gradle-4.4.1-bin.zip#\" gradle/wrapper/gradle-wrapper.properties && \
         export GRADLE_USER_HOME=\"$HOME/.gradle\" && ./gradlew -q --no-daemon --version && rm -rf \"$HOME/d\" .gradle",
    );
    tools.commit();
    tools.fix(CODE, &[], &[]).code(0).says(&["verified"]);
}

#[test]
#[ignore = "needs Gradle 4 with Debian's packages for it"]
fn a_wrapper_whose_distribution_is_not_there() {
    let tools = gradle();
    tools.outside(
        "gradle -q --no-daemon wrapper && sed -i 's/gradle-4.4.1/gradle-8.10.2/' gradle/wrapper/gradle-wrapper.properties && rm -rf .gradle",
    );
    tools.refuses(
        "./gradlew --no-daemon test",
        &["gradle-8.10.2-bin, which the project's wrapper asks for", "./gradlew --version"],
    );
}
